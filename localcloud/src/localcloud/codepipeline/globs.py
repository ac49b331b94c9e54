"""Glob patterns of trigger filters.

docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

_NOTHING = r"(?!)"


def matches(pattern: str, name: str) -> bool:
    """True if the pattern matches the whole name of a branch, tag or file."""
    return re.fullmatch(_expression(pattern), name, re.DOTALL) is not None


def any_included(names: Iterable[str], criteria: Mapping[str, Sequence[str]]) -> bool:
    """True if at least one name is included and not excluded. Excludes win over includes."""
    includes, excludes = criteria.get("includes") or ["**"], criteria.get("excludes") or []
    return any(
        any(matches(pattern, name) for pattern in includes) and not any(matches(pattern, name) for pattern in excludes)
        for name in names
    )


@functools.cache
def _expression(pattern: str) -> str:
    out, position, group = "", 0, False
    while position < len(pattern):
        letter, rest = pattern[position], pattern[position:]
        length = 1
        if rest.startswith("**"):
            out, length = out + ".*", 2
        elif letter == "*":
            out += "[^/]*"
        elif letter == "?":
            out += "[^/]"
        elif letter == "\\" and len(rest) > 1:
            out, length = out + re.escape(rest[1]), 2
        elif letter == "[" and "]" in rest[2:]:
            length = rest.index("]", 2) + 1
            out += _set(rest[1 : length - 1])
        elif letter in "{},":
            out, group = _alternative(out, letter, group)
        else:
            out += re.escape(letter)
        position += length
    return out if _is_valid(out) else _NOTHING


def _is_valid(expression: str) -> bool:
    """True unless a group is not closed or the ends of a range are reversed."""
    try:
        re.compile(expression)
    except re.error:
        return False
    return True


def _set(inside: str) -> str:
    """Returns the regular expression for a bracket expression. Only ranges and a leading `!` are special in it."""
    negated = inside.startswith("!")
    body = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[1:] if negated else inside)
    return f"(?!/)[{'^' if negated else ''}{body}]"


def _alternative(out: str, letter: str, group: bool) -> tuple[str, bool]:
    if letter == "{" and not group:
        return out + "(?:", True
    if group:
        return out + (")" if letter == "}" else "|"), letter != "}"
    return out + re.escape(letter), group
