"""When a schedule is due: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, 2026-11-30."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.services import eventbridge

SYMBOLS: tuple[str, ...] = (
    "ministack.services.eventbridge:_cron_next_fire",
    "ministack.services.eventbridge:_parse_cron_fields",
    "ministack.services.eventbridge:_parse_rate_seconds",
)

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


class ExpressionError(ValueError):
    """The schedule expression is not valid."""


def next_after(schedule: Mapping[str, Any], moment: float) -> float | None:
    """Returns the first time after `moment` at which a schedule starts its target, or None; both as Unix times.

    A rate begins when the schedule is created. A cron expression in a time zone with daylight saving time is skipped in
    the hour that does not exist, and applies once in the hour that exists twice.

    Raises:
        ExpressionError: if the expression is not valid.
    """
    expression = str(schedule["ScheduleExpression"]).strip()
    zone = ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    if once := _AT.fullmatch(expression):
        due = datetime.fromisoformat(once[1]).replace(tzinfo=zone).timestamp()
        return due if due > moment else None
    seconds: int | None = eventbridge._parse_rate_seconds(expression)
    if seconds:
        begin = float(schedule.get("StartDate") or schedule["CreationDate"])
        return begin + max(0, math.floor((moment - begin) / seconds) + 1) * seconds
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        raise ExpressionError(f"{expression} is not a valid schedule expression")
    return _cron(fields, zone, moment)


def _cron(fields: Any, zone: ZoneInfo, moment: float) -> float | None:
    """Returns the next time of a cron expression, which is evaluated on the clock on the wall."""
    wall = datetime.fromtimestamp(moment, zone).replace(tzinfo=None)
    while True:
        found: datetime | None = eventbridge._cron_next_fire(fields, wall.replace(tzinfo=UTC))
        if found is None:
            return None
        wall = found.replace(tzinfo=None)
        due = wall.replace(tzinfo=zone).timestamp()
        exists = datetime.fromtimestamp(due, zone).replace(tzinfo=None) == wall
        if exists and due > moment:
            return due
