"""Deployment windows: whether a moment is one that a cron expression of seven fields describes.

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
    """Whether the window is open at that moment, to the minute."""
    seconds, *fields = cron.split()
    if seconds != "*" or len(fields) not in {5, 6}:
        said = f"Cron has six fields and an optional year, the first (seconds) being *; got '{cron}'"
        raise ActionError(said, "ConfigurationError")
    weekday = moment.isoweekday() % 7 + 1
    values = (moment.minute, moment.hour, moment.day, moment.month, weekday, moment.year)
    described = zip([*fields, "*"][:6], _FIELDS, values, strict=True)
    return all(value in set(_values(field, *about)) for field, about, value in described)


def _values(field: str, name: str, lowest: int, highest: int, names: dict[str, int]) -> Iterator[int]:
    def number(text: str) -> int:
        known = names.get(text.upper())
        if known is None and not text.isdigit():
            said = f"The local cloud does not know '{field}' in the field {name} of a deployment window"
            raise ActionError(said, "ConfigurationError")
        return int(text) if known is None else known

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
