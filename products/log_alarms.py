"""Alarms on numbers that a service writes to its log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from products.base import Model, text

# The names of the alarms that every service may have: stacks/service_alarms.py.
BUILT_IN = ("HasUnhealthyTasks", "RunsTooFewTasks")

AlarmName = Annotated[str, text(r"^[A-Z][A-Za-z0-9]{2,63}$", "OldestTaskIsTooOld")]


class LogAlarm(Model):
    """An alarm on a number in the log of a service, whose lines are JSON.

    The service writes lines such as `{"oldest_task_seconds": 12.5}`; other lines may be anything.
    """

    field: str = text(r"^[A-Za-z_][A-Za-z0-9_]{0,99}$", "oldest_task_seconds")
    """Key of the number at the top of a line's object."""
    at_least: float = Field(gt=0)
    """The alarm starts when the largest number of each minute was at least this."""
    minutes: int = Field(default=5, ge=1, le=1440)
    """Minutes in a row. A minute without a number does not count as too high."""


LogAlarms = dict[AlarmName, LogAlarm]


def problems(alarms: Mapping[str, LogAlarm]) -> Iterator[str]:
    """Yields an error message, beginning with a key, for each alarm whose name another one has."""
    for name in alarms:
        if name in BUILT_IN:
            yield f"log_alarms.{name}: every service has an alarm of this name; choose another, e.g. OldestTaskIsTooOld"
