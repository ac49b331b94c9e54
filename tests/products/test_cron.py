"""Times of schedules in EventBridge's syntax; weekdays count from 0 in Unix and from 1 in EventBridge."""

from __future__ import annotations

import re

import pytest

from products import cron


@pytest.mark.parametrize(
    ("unix", "eventbridge"),
    [
        ("0 3 * * *", "0 3 * * ? *"),
        ("*/15 * * * *", "0,15,30,45 * * * ? *"),
        ("0 0 1 * *", "0 0 1 * ? *"),
        ("0 0 1,15 1-3 *", "0 0 1,15 JAN-MAR ? *"),
        ("0 8-18/2 * * *", "0 8,10,12,14,16,18 * * ? *"),
        ("30 4 * jan *", "30 4 * JAN ? *"),
        ("@daily", "0 0 * * ? *"),
        ("@weekly", "0 0 ? * SUN *"),
        ("  0   3 * * * ", "0 3 * * ? *"),
    ],
)
def test_five_fields_are_translated(unix: str, eventbridge: str) -> None:
    assert cron.cron(unix) == f"cron({eventbridge})"


@pytest.mark.parametrize(
    ("unix", "eventbridge"),
    [
        ("0", "SUN"),
        ("1", "MON"),
        ("6", "SAT"),
        ("7", "SUN"),
        ("1-5", "MON-FRI"),
        ("mon-fri", "MON-FRI"),
        ("5-7", "SUN,FRI,SAT"),
        ("fri-sun", "SUN,FRI,SAT"),
        ("0,6", "SUN,SAT"),
        ("1,3,5", "MON,WED,FRI"),
        ("*/2", "SUN,TUE,THU,SAT"),
    ],
)
def test_weekdays_keep_their_meaning(unix: str, eventbridge: str) -> None:
    assert cron.cron(f"0 9 * * {unix}") == f"cron(0 9 ? * {eventbridge} *)"


@pytest.mark.parametrize("every_day", ["*", "0-6", "0-7", "1-7"])
def test_all_weekdays_are_every_day(every_day: str) -> None:
    assert cron.cron(f"0 9 * * {every_day}") == "cron(0 9 * * ? *)"


# The examples of docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html, 2026-11-30.
@pytest.mark.parametrize(
    "expression",
    [
        "0 10 * * ? *",
        "15 12 * * ? *",
        "0 18 ? * MON-FRI *",
        "0 8 1 * ? *",
        "0/15 * * * ? *",
        "0/10 * ? * MON-FRI *",
        "0/5 8-17 ? * MON-FRI *",
        "0/30 20-2 ? * MON-FRI *",
        "0 10 L * ? *",
        "0 10 3W * ? *",
        "0 10 ? * 3#2 *",
        "0 10 ? * 6L 2026-2030",
    ],
)
def test_six_fields_are_eventbridges_and_stay_as_they_are(expression: str) -> None:
    assert cron.cron(expression) == cron.cron(f"cron({expression})") == f"cron({expression})"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 3 * *", "4 fields; write five"),
        ("0 3 1 * 1", "write two schedules"),
        ("60 3 * * *", "the minute has '60'; write 0 to 59"),
        ("0 24 * * *", "the hour has '24'; write 0 to 23"),
        ("0 3 0 * *", "the day of month has '0'; write 1 to 31"),
        ("0 3 * 13 *", "the month has '13'; write 1 to 12"),
        ("0 3 * * 8", "the day of week has '8'; write 0 to 7"),
        ("0 3 * * FR", "the day of week has 'FR'"),
        ("0 18-8 * * *", "the hour '18-8' runs backwards"),
        ("*/0 * * * *", "the minute has '0'; write 1 to 59"),
        ("0 3 L * *", "the day of month has 'L'"),
        ("@reboot", "write one of @hourly"),
        ("0 3 * * * *", "EventBridge needs ? in exactly one"),
        ("0 3 ? * ? *", "EventBridge needs ? in exactly one"),
        ("0 0 3 * * ?", "EventBridge needs ? in exactly one"),  # Quartz: seconds first
        ("0 3 ? * 0 *", "the day of week has '0'; write 1 to 7"),
        ("0 3 * * ? 1969", "the year has '1969'"),
        ("", "0 fields"),
    ],
)
def test_what_eventbridge_cannot_run_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        cron.cron(text)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("1 minute", "rate(1 minute)"),
        ("1 hours", "rate(1 hour)"),
        ("15 minutes", "rate(15 minutes)"),
        ("2 day", "rate(2 days)"),
        ("rate(5 minutes)", "rate(5 minutes)"),
    ],
)
def test_a_rate_has_the_singular_for_one(text: str, expression: str) -> None:
    assert cron.rate(text) == expression


@pytest.mark.parametrize("text", ["0 minutes", "30 seconds", "15m", "hourly", "-1 hour", "1.5 hours", ""])
def test_another_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a number of minutes, hours or days"):
        cron.rate(text)
