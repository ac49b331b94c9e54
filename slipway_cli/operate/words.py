"""Formats durations and untrusted text."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from slipway_cli.operate import clock

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_BLANKS = "\n\r\t\x0b\x0c\x85\u2028\u2029"


def plain(text: object) -> str:
    """Returns a text as one line without control characters, since a terminal would execute some of them."""
    spaced = "".join(" " if char in _BLANKS else char for char in str(text))
    return " ".join("".join(char for char in spaced if unicodedata.category(char)[0] != "C").split())


def shortened(text: object, length: int) -> str:
    """Returns a text as one line, cut to a length."""
    line = plain(text)
    return line if len(line) <= length else f"{line[: length - 1]}…"


def seconds(count: float) -> str:
    """Returns a duration, e.g. `12 min`."""
    count = max(count, 0)
    if count < _MINUTE:
        return f"{count:.0f} s"
    if count < _HOUR:
        return f"{count / _MINUTE:.0f} min"
    if count < _DAY:
        return f"{count // _HOUR:.0f} h {count % _HOUR // _MINUTE:.0f} min"
    return f"{count // _DAY:.0f} d {count % _DAY // _HOUR:.0f} h"


def since(when: datetime) -> str:
    """Returns the time since a moment."""
    return seconds((clock.now() - when).total_seconds())
