"""Approve and reject answer the one question that waits, and no other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from slipway_cli.runs import State
from tests.slipway_cli.operate.playing import given, play
from tests.support.fake_aws import Refused
from tests.support.fake_codepipeline import FakeCodePipeline


def test_what_waits_is_shown_and_approved_with_its_own_token(cloud: FakeCodePipeline) -> None:
    run = cloud.run("main", 4, "InProgress", at="Approval")

    played = play("approve")

    assert played.code == 0, played.err
    for text in ("v1.4.0-0000004", "main, Improve the page, by Ada", "May 1.4.0-0000004 enter production?", run.id):
        assert text in played.out
    assert run.step("Approval")["status"] == "Succeeded"
    (request,) = given(cloud, "PutApprovalResult")
    assert request["token"].endswith("000000000004")
    assert request["result"] == {"summary": "approved by hand", "status": "Approved"}


def test_a_rejection_carries_its_reason(cloud: FakeCodePipeline) -> None:
    run = cloud.run("main", 4, "InProgress", at="Approval")

    assert play("reject", "main", "--reason", "prices are wrong").code == 0

    assert run.status == "Failed"
    assert given(cloud, "PutApprovalResult")[0]["result"] == {"summary": "prices are wrong", "status": "Rejected"}


def several(cloud: FakeCodePipeline) -> None:
    """Two pipelines ask, which no shipped manifest lets happen: the feature pipeline is given main's stages."""
    cloud.run("main", 1, "InProgress", at="Approval")
    cloud.pipelines["allthrive-feature"] = cloud.pipelines["allthrive-main"]


REFUSED: dict[str, tuple[list[str], Callable[[FakeCodePipeline], object], int, list[str]]] = {
    "nothing waits": (
        ["approve"],
        lambda cloud: cloud.run("main", 1),
        1,
        ["nothing waits for approval in", "slipway status"],
    ),
    "it expired": (
        ["approve", "main"],
        lambda cloud: cloud.run("main", 1, "Failed", at="Approval", reason="not answered within 7 days"),
        1,
        ["nothing waits for approval in allthrive-main", "slipway status"],
    ),
    "nothing waits in that flow": (
        ["approve", "feature"],
        lambda cloud: cloud.run("main", 1, "InProgress", at="Approval"),
        1,
        ["nothing waits for approval in allthrive-feature"],
    ),
    "nothing waits in that stage": (
        ["approve", "main", "--stage", "Staging"],
        lambda cloud: cloud.run("main", 1, "InProgress", at="Approval"),
        1,
        ["stage Staging"],
    ),
    "several wait": (
        ["approve"],
        several,
        1,
        ["2 approvals wait", "Name one", "slipway approve main --stage Approval"],
    ),
    "no reason": (["reject"], lambda cloud: cloud.run("main", 1, "InProgress", at="Approval"), 2, ["needs a reason"]),
    "a blank reason": (["reject", "--reason", " \n"], lambda _: None, 2, ["needs a reason"]),
    "a long reason": (["reject", "--reason", "x" * 513], lambda _: None, 2, ["513 characters", "accepts 512"]),
    "an unknown flow": (["approve", "mian"], lambda _: None, 2, ["no flow 'mian'", "did you mean 'main'?"]),
}


@pytest.mark.parametrize("situation", REFUSED)
def test_what_cannot_be_answered_is_refused_with_the_way_on(cloud: FakeCodePipeline, situation: str) -> None:
    arguments, prepare, code, expected = REFUSED[situation]
    prepare(cloud)

    played = play(*arguments)

    assert played.code == code
    assert [text for text in expected if text not in played.err] == [], played.err
    assert "next: " in played.err
    assert given(cloud, "PutApprovalResult") == []


@pytest.mark.parametrize("error", ["ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"])
def test_an_answer_of_somebody_else_meanwhile_is_said(cloud: FakeCodePipeline, error: str) -> None:
    run = cloud.run("main", 1, "InProgress", at="Approval")

    def answered(_: dict[str, Any]) -> dict[str, Any]:
        run.step("Approval").update(status="Succeeded", updatedBy="arn:aws:iam::111122223333:user/grace")
        raise Refused(error, "too late")

    cloud.on("codepipeline.PutApprovalResult", answered)

    played = play("approve")

    assert played.code == 1
    assert "answered meanwhile: Succeeded by arn:aws:iam::111122223333:user/grace" in played.err


def test_a_person_at_a_terminal_is_asked_first(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.run("main", 1, "InProgress", at="Approval")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert "nothing was answered" in play("approve").err
    assert given(cloud, "PutApprovalResult") == []

    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert play("approve").code == 0


def test_a_script_that_is_sure_asks_nobody(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.run("main", 1, "InProgress", at="Approval")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert play("approve", "--yes").code == 0


def test_a_token_that_was_used_is_no_question() -> None:
    used = {"status": "Succeeded", "token": "aaaaaaaa-0000-4000-8000-000000000001"}
    stage = {"stageName": "Approval", "actionStates": [{"actionName": "Approve", "latestExecution": used}]}
    assert State.of({"stageStates": [stage]}).waiting == ()
