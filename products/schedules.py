"""Scheduled tasks: the part of a manifest that describes what runs at given times."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from products import cron
from products.base import Model, Name, Variables, text
from products.containers import USER_PATTERN, Size
from products.errors import ProblemsError, nearest


class Schedule(Model):
    """A task that EventBridge Scheduler starts at given times, from the first release on.

    A run does not wait for the end of the one before, and is not repeated if it fails: then `alarm_emails` get a
    message. Nothing stops a task that never ends; begin its command with `timeout 1800` where it may hang.
    """

    image: Name
    command: tuple[str, ...] = Field(min_length=1)
    """Command in exec form."""
    cron: str | None = None
    """Five fields as in Unix (`0 3 * * *`), or EventBridge's six (`0 3 * * ? *`)."""
    rate: str | None = None
    """Interval instead of `cron`: a number of minutes, hours or days. It begins with the deployment of the schedule."""
    timezone: str = "UTC"
    """Time zone of `cron`, e.g. `Europe/Berlin`; it follows daylight saving time."""
    size: Size = Size(cpu=256, memory=512)
    user: str | None = text(USER_PATTERN, '"10001"', default=None)
    """Numeric user, as for a service."""
    read_only: bool = False
    """True for a read-only root file system, with an empty, writable /tmp."""
    internet: bool = False
    """True if the task calls addresses outside AWS, and so needs NAT."""
    variables: Variables = {}
    """Environment variables of the schedule, as for a service."""
    enabled: bool = True
    """False to keep the schedule without starting it."""

    @property
    def expression(self) -> str:
        """The times in EventBridge Scheduler's syntax."""
        return cron.cron(self.cron) if self.cron is not None else cron.rate(self.rate or "")

    @model_validator(mode="after")
    def _has_times(self) -> Schedule:
        problems = []
        if (self.cron is None) == (self.rate is None):
            problems.append("cron: write either cron, e.g. 0 3 * * *, or rate, e.g. 15 minutes")
        problems += _problem("cron", self.cron, cron.cron)
        problems += _problem("rate", self.rate, cron.rate)
        zones = available_timezones()
        if zones and self.timezone not in zones:
            problems.append(f"timezone: no time zone '{self.timezone}'{nearest(self.timezone, sorted(zones))}")
        if self.rate is not None and self.timezone != "UTC":
            problems.append("timezone: a rate has none; remove timezone, or write cron instead of rate")
        if problems:
            raise ProblemsError(problems)
        return self


def _problem(key: str, value: str | None, translate: Callable[[str], str]) -> list[str]:
    """Returns an error message for a value that cannot be translated."""
    if value is None:
        return []
    try:
        translate(value)
    except ValueError as error:
        return [f"{key}: {error}"]
    return []
