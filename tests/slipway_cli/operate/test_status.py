"""Status says how each pipeline stands, why it failed, and what to type."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from rich.console import Console

from products import load
from slipway_cli.operate import status
from slipway_cli.operate.pipelines import Desk
from tests.slipway_cli.operate.playing import play
from tests.support.fake_codepipeline import FakeCodePipeline

Prepare = Callable[[FakeCodePipeline], object]


def queue(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Staging")
    second = cloud.run("main", 2, "InProgress", at="Publish")
    second.step("Publish")["status"] = "Succeeded"
    cloud.flow("main").queued["Staging"] = [second.id]


def healed(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "Failed", at="Test", reason="flaky")
    for number in (2, 3, 4, 5):
        cloud.run("main", number)


def rolled_back(cloud: FakeCodePipeline) -> None:
    good = cloud.run("main", 1)
    cloud.run("main", 2, "Failed", at="Production")
    cloud.rolled_back("main", 3, "Production", good)


SITUATIONS: dict[str, tuple[Prepare, list[str]]] = {
    "never run": (lambda _: None, ["it has never run", "next: slipway start main"]),
    "in progress": (
        lambda cloud: cloud.run("main", 1, "InProgress", at="Staging", action="Migrate"),
        ["run 00000001 InProgress for 1 d 3 h v1.1.0-0000001", "Staging InProgress (Migrate", "slipway follow main"],
    ),
    "waits for approval": (
        lambda cloud: cloud.run("main", 1, "InProgress", at="Approval"),
        [
            "waits for approval: Approval/Approve of run 00000001: May 1.1.0-0000001 enter production?",
            "https://staging.example.org",
            "next: slipway approve main",
            "next: slipway reject main --reason '…'",
        ],
    ),
    "failed": (
        lambda cloud: cloud.run("main", 1, "Failed", at="Test", reason="3 tests failed"),
        [
            "Test/Backend failed: 3 tests failed; log: https://console.aws.amazon.com/codebuild/1",
            "last failure, 1 d 3 h ago: 0000001",
            "the failed stage again: slipway retry main",
        ],
    ),
    "failed, and healed since": (
        healed,
        ["(a run has succeeded since): 0000001: Test/Backend failed: flaky", "next: slipway start main"],
    ),
    "failed, and taken back": (
        rolled_back,
        [
            "run 00000003 rollback to run 00000001 Succeeded",
            "the same commit from the beginning: slipway start main --commit 0000002",
        ],
    ),
    "rejected": (
        lambda cloud: cloud.run("main", 1, "Failed", at="Approval", reason="not today"),
        ["Approval/Approve was not approved: not today"],
    ),
    "approval expired": (
        lambda cloud: cloud.run("main", 1, "Failed", at="Approval", reason="not answered within 7 days"),
        ["Approval/Approve was not approved: not answered within 7 days", "the failed stage again: slipway retry main"],
    ),
    "superseded": (lambda cloud: cloud.run("main", 1, "Superseded", at="Test"), ["Superseded"]),
    "cancelled": (lambda cloud: cloud.run("main", 1, "Cancelled", at="Source"), ["Cancelled"]),
    "queued": (queue, ["waits to enter Staging: run 00000002"]),
}
NOT_SAID = {"failed, and healed since": "slipway retry", "failed, and taken back": "slipway retry"}
BROKEN = {"superseded", "cancelled"}  # their actions have not such states: none has begun


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_is_said_with_what_to_type(cloud: FakeCodePipeline, situation: str) -> None:
    prepare, expected = SITUATIONS[situation]
    prepare(cloud)
    for run in cloud.flow("main").runs if situation in BROKEN else []:
        run.steps.clear()

    played = play("status", "main")

    assert played.code == 0, played.err
    assert [text for text in expected if text not in played.out] == [], played.out
    assert NOT_SAID.get(situation, "\0") not in played.out


def test_without_a_flow_all_pipelines_of_the_product_are_shown(cloud: FakeCodePipeline) -> None:
    played = play("status")
    names = ["allthrive-pull-request (parallel)", "allthrive-feature (queued)", "allthrive-main (queued)"]
    assert [line for line in played.out.splitlines() if not line.startswith(" ")] == [
        "AWS account 111122223333, us-east-1",
        *names,
    ]


def test_the_dashboards_have_addresses_on_aws_and_none_elsewhere(
    cloud: FakeCodePipeline,
) -> None:
    console = "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard"
    out = play("status").out

    assert f"  dashboard of delivery: {console}/tooling-allthrive\n" in out
    assert f"  dashboard of production: {console}/production-allthrive\n" in out
    assert "dashboard of" not in play("status", "main").out
    elsewhere = Desk(load("allthrive"))
    vars(elsewhere)["client"] = SimpleNamespace(meta=SimpleNamespace(endpoint_url="http://127.0.0.1:4701"))
    assert status.dashboards(elsewhere) == []


def test_another_product_is_named_in_what_to_type(monkeypatch: pytest.MonkeyPatch, cloud: FakeCodePipeline) -> None:
    other = FakeCodePipeline("edenco")
    with other.installed(monkeypatch):
        assert "next: slipway start main --product edenco" in play("status", "main", "--product", "edenco").out


def test_a_closed_transition_is_said_with_the_command_that_opens_it(cloud: FakeCodePipeline) -> None:
    cloud.flow("main").closed["Production"] = "freeze until Monday"
    out = play("status", "main").out
    assert "no run may enter Production: freeze until Monday" in out
    assert "--transition-type Inbound --pipeline-name allthrive-main --stage-name Production" in out


def test_of_two_failures_the_first_is_the_cause(cloud: FakeCodePipeline) -> None:
    run = cloud.run("main", 1, "Failed", at="Test", action="Seo", reason="followed from it")
    run.steps[1].update(status="Failed", output={"executionResult": {"errorDetails": {"message": "the cause"}}})
    assert "Test/Backend failed: the cause" in play("status", "main").out


def test_only_as_many_runs_are_shown_as_asked_for(cloud: FakeCodePipeline) -> None:
    for number in range(1, 8):
        cloud.run("main", number)
    assert play("status", "main", "--runs", "2").out.count("run 0000000") == 2


def test_an_approval_of_an_older_run_is_shown_with_its_question(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Approval")
    for number in range(2, 7):
        cloud.run("main", number, "Failed", at="Test")
    assert "May 1.1.0-0000001 enter production?" in play("status", "main", "--runs", "1").out


def test_a_terminal_gets_a_table(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "Failed", at="Test")
    screen = io.StringIO()
    status.show(Desk(load("allthrive")), "main", 3, Console(file=screen, force_terminal=True, width=140))
    assert "━" in screen.getvalue()
    assert "next: push a fix" in screen.getvalue()


def test_what_a_stranger_wrote_moves_no_cursor_and_is_no_markup(cloud: FakeCodePipeline) -> None:
    run = cloud.run("main", 1, "Failed", at="Test", reason="\x1b[2Jgone\r\nand [red]more[/nothing]\u202e")
    run.steps[0]["output"]["outputVariables"]["CommitMessage"] = "\x1b]0;title\x07 [bold]hello"
    screen = io.StringIO()
    status.show(Desk(load("allthrive")), "main", 3, Console(file=screen, force_terminal=True, color_system=None))
    both = screen.getvalue() + play("status", "main").out
    assert "\x1b]" not in both
    assert "\x1b[2J" not in both
    assert "\u202e" not in both
    assert "and [red]more[/nothing]" in both
    assert "[bold]hello" in both
