"""When a schedule is due; the cron expressions are those of AWS's documentation."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from localcloud.scheduler.times import ExpressionError, next_after

BEGIN = "2026-11-30T12:00"  # a Monday


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def after(expression: str, moment: str = BEGIN, zone: str = "UTC") -> str | None:
    """Returns the next time after a moment, on the clock of the time zone."""
    schedule = {"ScheduleExpression": expression, "ScheduleExpressionTimezone": zone, "CreationDate": at(BEGIN, zone)}
    found = next_after(schedule, at(moment, zone))
    return None if found is None else datetime.fromtimestamp(found, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


# docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html, 2026-11-30
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-12-01T10:00"),
        ("cron(15 12 * * ? *)", "2026-11-30T12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-30T18:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01T08:00"),
        ("cron(0/15 * * * ? *)", "2026-11-30T12:15"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-30T12:10"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-30T12:05"),
        ("cron(0 10 L * ? *)", "2026-12-31T10:00"),
        ("cron(0 10 ? * 1 *)", "2026-12-06T10:00"),  # 1 is Sunday
        ("cron(0 10 ? * 6#3 *)", "2026-12-18T10:00"),  # the third Friday
        ("cron(0 10 * * ? 2025)", None),
    ],
)
def test_the_documented_expressions(expression: str, expected: str | None) -> None:
    assert after(expression) == expected


def test_a_time_that_has_just_come_is_not_due_again() -> None:
    assert after("cron(0 12 * * ? *)") == "2026-12-01T12:00"


def test_a_rate_begins_with_the_creation_and_keeps_its_interval() -> None:
    assert after("rate(1 hour)", "2026-11-30T11:59") == "2026-11-30T12:00"
    assert after("rate(1 hour)", "2026-11-30T12:00") == "2026-11-30T13:00"
    assert after("rate(1 hour)", "2026-11-30T15:40") == "2026-11-30T16:00"
    assert after("rate(2 days)", "2026-12-01T00:00") == "2026-12-02T12:00"


def test_a_single_time_is_due_once() -> None:
    assert after("at(2026-12-01T03:00:00)") == "2026-12-01T03:00"
    assert after("at(2026-12-01T03:00:00)", "2026-12-01T03:00") is None


def test_times_are_those_of_the_time_zone() -> None:
    schedule = {"ScheduleExpression": "cron(0 3 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"}

    assert next_after(schedule, at("2026-07-01T00:00")) == at("2026-07-01T01:00")  # summer: UTC+2
    assert next_after(schedule, at("2026-12-01T00:00")) == at("2026-12-01T02:00")  # winter: UTC+1


def test_the_hour_that_daylight_saving_time_skips_is_skipped() -> None:
    assert after("cron(30 2 * * ? *)", "2026-03-28T12:00", "Europe/Berlin") == "2026-03-30T02:30"


def test_the_hour_that_exists_twice_is_due_once() -> None:
    schedule = {"ScheduleExpression": "cron(30 2 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"}
    first = next_after(schedule, at("2026-10-24T12:00"))

    assert first == at("2026-10-25T00:30")
    assert next_after(schedule, first) == at("2026-10-26T01:30")


@pytest.mark.parametrize("expression", ["", "0 3 * * ? *", "rate(1 week)", "cron(0 3 * * *)", "cron(0 3 * * * *)"])
def test_another_expression_is_an_error(expression: str) -> None:
    with pytest.raises(ExpressionError, match="is not a valid schedule expression"):
        after(expression)
