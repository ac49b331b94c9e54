"""Times of a schedule: cron expressions of Unix and of EventBridge, and rates, as EventBridge Scheduler's expressions.

EventBridge's cron has six fields, counts weekdays from 1 (Sunday), and needs `?` in one of the two day fields:
docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, 2026-11-30.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_RATE = re.compile(r"(\d{1,6}) (minute|hour|day)s?")
_UNIX_FIELDS, _EVENTBRIDGE_FIELDS = 5, 6


@dataclass(frozen=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    """Names of the values, beginning with `first`."""
    letters: str = ""
    """EventBridge's letters in this field, e.g. `L`."""


_MINUTE, _HOUR = _Field("minute", 0, 59), _Field("hour", 0, 23)
_DAY, _MONTH = _Field("day of month", 1, 31, letters="LW"), _Field("month", 1, 12, _MONTHS)
_UNIX_WEEKDAY = _Field("day of week", 0, 7, (*_WEEKDAYS, "SUN"))
_WEEKDAY = _Field("day of week", 1, 7, _WEEKDAYS, letters="L#")
_YEAR = _Field("year", 1970, 2199)


def rate(text: str) -> str:
    """Returns EventBridge's expression for a rate, e.g. `rate(15 minutes)` for `15 minutes`.

    Raises:
        ValueError: with what to write instead.
    """
    inner = text.strip().removeprefix("rate(").removesuffix(")").strip()
    found = _RATE.fullmatch(" ".join(inner.split()))
    if not found or not int(found[1]):
        raise ValueError(f"got '{text}'; write a number of minutes, hours or days, e.g. 15 minutes")
    number = int(found[1])
    return f"rate({number} {found[2]}{'' if number == 1 else 's'})"


def cron(text: str) -> str:
    """Returns EventBridge's expression for five fields of Unix's cron or six of its own, e.g. `cron(0 3 * * ? *)`.

    Raises:
        ValueError: with what to write instead.
    """
    inner = text.strip().removeprefix("cron(").removesuffix(")").strip()
    if inner.startswith("@"):
        if inner not in _NICKNAMES:
            raise ValueError(f"got '{text}'; write one of {', '.join(_NICKNAMES)}, or five fields, e.g. 0 3 * * *")
        inner = _NICKNAMES[inner]
    fields = inner.upper().split()
    if len(fields) == _UNIX_FIELDS:
        return f"cron({' '.join(_from_unix(fields))} *)"
    if len(fields) == _EVENTBRIDGE_FIELDS:
        return f"cron({' '.join(_checked(fields))})"
    raise ValueError(f"got '{text}', {len(fields)} fields; write five (Unix) or six (EventBridge), e.g. 0 3 * * *")


# --- Unix ------------------------------------------------------------------------------------------------------------


def _from_unix(fields: list[str]) -> list[str]:
    """Returns EventBridge's first five fields for the five of Unix."""
    minute, hour, day, month, weekday = fields
    if not day.startswith("*") and not weekday.startswith("*"):
        raise ValueError(
            f"'{day}' and '{weekday}' together mean either day in Unix's cron, which EventBridge cannot express; "
            "write two schedules"
        )
    weekdays = _unix(_UNIX_WEEKDAY, weekday)
    days = _unix(_DAY, day)
    if days != "*" and weekdays != "*":
        raise ValueError(f"EventBridge needs * in one of the two day fields, got '{day}' and '{weekday}'")
    day_fields = (days, "?") if weekdays == "*" else ("?", weekdays)
    return [_unix(_MINUTE, minute), _unix(_HOUR, hour), day_fields[0], _unix(_MONTH, month), day_fields[1]]


def _unix(field: _Field, text: str) -> str:
    """Returns one field of Unix's cron as EventBridge writes it: `*`, one range, or a list of values."""
    values: set[int] = set()
    for part in text.split(","):
        values |= _unix_values(field, part)
    if field is _UNIX_WEEKDAY:
        values = {value % 7 for value in values}
        last = 6
    else:
        last = field.last
    ordered = sorted(values)
    if ordered == list(range(field.first, last + 1)):
        return "*"
    shown = [field.names[value - field.first] if field.names else str(value) for value in ordered]
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):  # noqa: PLR2004 - two read better as a list
        return f"{shown[0]}-{shown[-1]}"
    return ",".join(shown)


def _unix_values(field: _Field, part: str) -> set[int]:
    span, slash, step = part.partition("/")
    every = _number(field, step, range(1, field.last + 1)) if slash else 1
    if span == "*":
        low, high = field.first, field.last
    else:
        start, dash, end = span.partition("-")
        low = _number(field, start)
        high = _number(field, end) if dash else (field.last if slash else low)
        if field is _UNIX_WEEKDAY and dash and end == "SUN":
            high = 7
        if low > high:
            raise ValueError(f"the {field.name} '{part}' runs backwards; write the lower value first")
    if span == "*" and field is _UNIX_WEEKDAY:
        high = 6  # 7 is Sunday again
    return set(range(low, high + 1, every))


def _number(field: _Field, text: str, allowed: range | None = None) -> int:
    """Returns a value of a field, written as a number or as a name."""
    if field.names and text in field.names:
        return field.first + field.names.index(text)
    allowed = allowed or range(field.first, field.last + 1)
    if not text.isascii() or not text.isdigit() or int(text) not in allowed:
        raise ValueError(
            f"the {field.name} has '{text}'; write {allowed[0]} to {allowed[-1]}, *, a range, a step or a list"
        )
    return int(text)


# --- EventBridge -----------------------------------------------------------------------------------------------------


def _checked(fields: list[str]) -> list[str]:
    """Returns EventBridge's six fields unchanged, if EventBridge accepts them."""
    day, weekday = fields[2], fields[4]
    if (day == "?") == (weekday == "?"):
        raise ValueError(
            f"got '{' '.join(fields)}'; EventBridge needs ? in exactly one of the third and the fifth field, e.g. "
            "0 3 * * ? *"
        )
    for field, text in zip((_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY, _YEAR), fields, strict=True):
        if text == "?" and field in (_DAY, _WEEKDAY):
            continue
        for part in text.split(","):
            _check(field, part)
    return fields


def _check(field: _Field, part: str) -> None:
    span, slash, step = part.partition("/")
    if slash:
        _number(field, step, range(1, field.last + 1))
    if span == "*" or (field.letters and _has_letters(field, span)):
        return
    for value in span.split("-", 1):
        _number(field, value)


def _has_letters(field: _Field, text: str) -> bool:
    """True for EventBridge's forms with letters: `L` and `15W` for a day, `6L` and `6#3` for a weekday."""
    if field is _DAY:
        return bool(re.fullmatch(r"L|LW|([1-9]|[12]\d|3[01])W", text))
    value = rf"([1-7]|{'|'.join(_WEEKDAYS)})"
    return bool(re.fullmatch(rf"L|{value}L|{value}#[1-5]", text))
