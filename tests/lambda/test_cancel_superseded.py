"""A newer run of a branch or pull request stops the older ones, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancel_superseded import handler
from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import TRANSIENT, played
from tests.support.fake_runs import History, event, run_id

WAITING = {"Source": "Succeeded", "Test": "InProgress"}


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    cloud = History()
    with cloud.installed(monkeypatch):
        yield cloud


def start(number: int, **trigger: str) -> None:
    handler.main(event(number, "STARTED", **trigger), None)


def test_an_older_run_of_the_branch_is_stopped_once_its_actions_have_ended(cloud: History) -> None:
    for number in (1, 2, 3):
        cloud.run(number, branch="feature/a", stages=WAITING)

    start(3)

    assert cloud.stopped == [run_id(2), run_id(1)]


def test_a_run_of_another_branch_is_not_stopped(cloud: History) -> None:
    cloud.run(1, branch="feature/b")
    cloud.run(2, branch="feature/a")

    start(2)

    assert cloud.stopped == []


def test_a_newer_run_is_never_stopped_by_a_late_event(cloud: History) -> None:
    for number in (1, 2):
        cloud.run(number)

    start(1)

    assert cloud.stopped == []


def test_pull_requests_of_one_branch_name_are_told_apart(cloud: History) -> None:
    cloud.run(1, branch="patch-1", pull_request="7")
    cloud.run(2, branch="patch-1", pull_request="8")
    cloud.run(3, branch="patch-1", pull_request="7")

    start(3)

    assert cloud.stopped == [run_id(1)]


@pytest.mark.parametrize("stage", ["Approval", "Production", "Release"])
def test_a_run_that_has_entered_a_protected_stage_is_not_stopped(cloud: History, stage: str) -> None:
    cloud.run(1, stages={"Source": "Succeeded", stage: "InProgress"})
    cloud.run(2)

    start(2)

    assert cloud.stopped == []


def test_the_protected_stages_are_configurable(cloud: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({"protected_stages": ["Production"]}))
    cloud.run(1, stages={"Source": "Succeeded", "Approval": "InProgress"})
    cloud.run(2)

    start(2)

    assert cloud.stopped == [run_id(1)]


def test_a_rollback_neither_stops_runs_nor_is_stopped(cloud: History) -> None:
    cloud.run(1)
    cloud.run(2, rollback=True)
    cloud.run(3)

    start(2)
    assert cloud.stopped == []
    start(3)
    assert cloud.stopped == [run_id(1)]


def test_a_run_that_a_person_stopped_stops_nothing(cloud: History) -> None:
    cloud.run(1)
    cloud.run(2, "Stopped")

    start(2)

    assert cloud.stopped == []


def test_stopping_twice_changes_nothing(cloud: History) -> None:
    cloud.run(1)
    cloud.run(2)

    start(2)
    start(2)

    assert cloud.stopped == [run_id(1)]


@pytest.mark.parametrize("code", ["DuplicatedStopRequestException", "PipelineExecutionNotStoppableException"])
def test_a_run_that_ends_meanwhile_is_no_error(cloud: History, code: str) -> None:
    cloud.run(1)
    cloud.run(2)

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused(code)

    cloud.on("codepipeline.StopPipelineExecution", refuse)

    start(2)


def test_a_branch_that_is_not_known_yet_raises_so_that_lambda_calls_again_a_minute_later(cloud: History) -> None:
    cloud.run(1)
    cloud.run(2, stages={"Source": "InProgress"})

    with pytest.raises(handler.NotKnownYetError, match="has no branch yet"):
        start(2)
    start(2, **{"branch-name": "main"})

    assert cloud.stopped == [run_id(1)]


def test_a_run_that_is_not_listed_yet_raises_so_that_lambda_calls_again_a_minute_later(cloud: History) -> None:
    with pytest.raises(handler.NotKnownYetError, match="does not list run"):
        start(2)


def test_the_branch_of_a_pipeline_with_one_branch_is_not_read_from_its_source(
    cloud: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({"branches": {"allthrive-main": "main"}}))
    cloud.run(1, stages={"Source": "InProgress"})
    cloud.run(2, stages={})

    start(2)

    assert cloud.stopped == [run_id(1)]


@pytest.mark.parametrize("state", ["FAILED", "SUCCEEDED", "STOPPED", "SUPERSEDED"])
def test_other_events_do_nothing(cloud: History, state: str) -> None:
    handler.main(event(2, state), None)

    assert cloud.calls == []


def test_a_missing_permission_raises_so_that_lambda_counts_an_error(cloud: History) -> None:
    cloud.run(1)
    cloud.run(2)
    cloud.faults["codepipeline.StopPipelineExecution"] = ["denied"]

    with pytest.raises(Exception, match="StopPipelineExecution"):
        start(2)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_events_in_any_order_leave_the_newest_run_of_each_branch(data: st.DataObject) -> None:
    cloud = History()
    branches = data.draw(st.lists(st.sampled_from(["main", "feature/a"]), min_size=1, max_size=5), label="branches")
    for number, branch in enumerate(branches, start=1):
        cloud.run(number, branch=branch)
    numbers = list(range(1, len(branches) + 1))
    again = data.draw(st.lists(st.sampled_from(numbers), max_size=3), label="again")
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=2)
    cloud.faults = {"codepipeline.StopPipelineExecution": data.draw(faults, label="faults")}
    order = data.draw(st.permutations(numbers + again), label="order")
    with played(cloud):
        for number in order:
            start(number)

    newest = {branch: number for number, branch in enumerate(branches, start=1)}
    left = {past.number for past in cloud.runs if past.status == "InProgress"}
    assert left == set(newest.values())
