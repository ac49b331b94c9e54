"""Where a run's time went, as `slipway follow` tells it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway_cli.operate.timing import record, spent, summary
from slipway_cli.runs import BEGINNING, Entry, Run

START = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def step(name: str, begin: float, end: float, category: str = "Build") -> dict[str, Any]:
    stage, action = name.split("/")
    return {
        "stageName": stage,
        "actionName": action,
        "status": "Succeeded",
        "startTime": at(begin),
        "lastUpdateTime": at(end),
        "input": {"actionTypeId": {"category": category}},
    }


RUN = Run.of(
    Entry("1", "Succeeded", BEGINNING, BEGINNING),  # as GetPipelineExecution answers
    (
        step("Source/GitHub", 0, 2),
        step("Test/Backend", 3, 53),
        step("Test/Frontend", 3, 43),
        step("Test/Seo", 4, 9),
        step("Publish/Image", 54, 70),
        step("Publish/Promote", 70, 72),
        step("Approve/Ask", 73, 103, "Approval"),
        step("Production/Deploy", 104, 200),
    ),
)


def test_of_actions_side_by_side_the_longest_is_on_the_path() -> None:
    assert [bar.action.name for bar in spent(RUN).path] == [
        "Source/GitHub",
        "Test/Backend",
        "Publish/Image",
        "Publish/Promote",
        "Production/Deploy",
    ]


def test_the_sums_leave_out_what_people_took() -> None:
    found = spent(RUN)

    assert (found.total, found.waited) == (200, 30)
    assert found.critical == 2 + 50 + 16 + 2 + 96
    assert found.sequential == found.critical + 40 + 5


def test_it_is_summarized_in_two_lines() -> None:
    first, second = summary(spent(RUN))

    assert first.startswith(
        "It took 3 min (200 s, 30 s of it waiting for approval). Longest: Production/Deploy 96 s, Test/Back"
    )
    assert second == "Its path is 166 s of actions and 4 s between them; its actions one after the other are 211 s."


def test_a_run_without_actions_has_no_path() -> None:
    assert summary(spent(Run(Entry("1", "Succeeded", at(0), at(5))))) == ("It took 5 s (5 s).",)


def test_the_record_of_a_run_names_each_action_with_its_beginning_and_its_seconds() -> None:
    found = json.loads(record("shop-main", RUN))

    assert (found["pipeline"], found["status"], found["seconds"]) == ("shop-main", "Succeeded", 200)
    assert len(found["actions"]) == len(RUN.actions)
    assert {
        "stage": "Test",
        "action": "Backend",
        "provider": "",
        "status": "Succeeded",
        "began": 3,
        "seconds": 50,
    } in found["actions"]
