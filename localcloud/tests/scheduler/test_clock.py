"""The clock starts each target once for each of its times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import scheduler

from localcloud.scheduler.clock import Clock, is_due
from localcloud.testing.plain import ACCOUNT, REGION

MINUTE = 60.0


@pytest.fixture(name="started")
def _started() -> Iterator[list[str]]:
    yield []
    with request_scope(ACCOUNT, REGION):
        scheduler._schedules.clear()


def put(name: str, **more: Any) -> None:
    """Stores a schedule that was created at time 0."""
    schedule = {
        "Name": name,
        "GroupName": "g",
        "State": "ENABLED",
        "ScheduleExpression": "rate(1 minute)",
        "CreationDate": 0.0,
        **more,
    }
    with request_scope(ACCOUNT, REGION):
        scheduler._schedules[f"g/{name}"] = schedule


def clock(started: list[str]) -> Clock:
    return Clock(lambda schedule: started.append(schedule["Name"]))


def test_a_schedule_starts_its_target_once_for_each_time(started: list[str]) -> None:
    put("a")
    ticking = clock(started)
    for second in range(0, 181, 10):
        ticking.tick(float(second))

    assert started == ["a"] * 4  # at 0, 60, 120 and 180


def test_times_that_passed_between_two_ticks_start_it_once(started: list[str]) -> None:
    put("a")
    ticking = clock(started)
    ticking.tick(0.0)
    ticking.tick(10 * MINUTE)

    assert started == ["a", "a"]


def test_a_disabled_schedule_starts_nothing_and_does_not_catch_up(started: list[str]) -> None:
    put("a", State="DISABLED")
    ticking = clock(started)
    ticking.tick(MINUTE)
    put("a", State="ENABLED")
    ticking.tick(MINUTE + 1)
    assert started == []

    ticking.tick(2 * MINUTE)
    assert started == ["a"]


def test_an_error_of_one_schedule_does_not_stop_the_others(started: list[str]) -> None:
    put("a", ScheduleExpression="nonsense")
    put("b")
    clock(started).tick(0.0)

    assert started == ["b"]


def test_a_schedule_ends_with_its_end_date() -> None:
    schedule = {"State": "ENABLED", "ScheduleExpression": "rate(1 minute)", "CreationDate": 0.0, "EndDate": 90.0}

    assert is_due(schedule, 0.0, 60.0)
    assert not is_due(schedule, 60.0, 120.0)
