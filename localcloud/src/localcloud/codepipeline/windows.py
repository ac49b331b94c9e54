"""Deployment windows: compares a time with a cron expression of up to seven fields.

docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from localcloud.codepipeline.errors import ActionError

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1
    )
}
_DAYS = {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minutes", 0, 59, {}),
    ("hours", 0, 23, {}),
    ("day-of-month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day-of-week", 1, 7, _DAYS),
    ("year", 1970, 2199, {}),
)


def is_open(cron: str, moment: datetime) -> bool:
    """True if the window is open at that moment, to the minute.

    Raises:
        ActionError: if the expression is invalid or not supported.
    """
    seconds, *fields = cron.split()
    if seconds != "*" or len(fields) not in {5, 6}:
        message = f"Cron needs six fields and an optional year, and its first field (seconds) must be *; got '{cron}'"
        raise ActionError(message, "ConfigurationError")
    weekday = moment.isoweekday() % 7 + 1
    values = (moment.minute, moment.hour, moment.day, moment.month, weekday, moment.year)
    compared = zip([*fields, "*"][:6], _FIELDS, values, strict=True)
    return all(value in set(_values(field, *definition)) for field, definition, value in compared)


def _values(field: str, name: str, lowest: int, highest: int, names: dict[str, int]) -> Iterator[int]:
    def number(text: str) -> int:
        named = names.get(text.upper())
        if named is None and not text.isdigit():
            message = f"The local cloud does not support '{field}' in the field {name} of a deployment window"
            raise ActionError(message, "ConfigurationError")
        return int(text) if named is None else named

    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            first, last = lowest, highest
        elif "-" in span:
            first, last = (number(end) for end in span.split("-", 1))
        else:
            first = number(span)
            last = highest if step else first
        if first <= last:
            yield from range(first, last + 1, number(step) if step else 1)
        else:
            yield from (*range(first, highest + 1), *range(lowest, last + 1))
