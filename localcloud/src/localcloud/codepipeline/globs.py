"""Glob patterns of trigger filters.

docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

_NOTHING = r"(?!)"


def matches(pattern: str, name: str) -> bool:
    """Whether a whole name (a branch, a tag, a file's path) is one that the pattern describes."""
    return re.fullmatch(_expression(pattern), name, re.DOTALL) is not None


def chosen(names: Iterable[str], criteria: Mapping[str, Sequence[str]]) -> bool:
    """Whether one of the names is included, and not excluded: excludes win."""
    includes, excludes = criteria.get("includes") or ["**"], criteria.get("excludes") or []
    return any(
        any(matches(pattern, name) for pattern in includes) and not any(matches(pattern, name) for pattern in excludes)
        for name in names
    )


@functools.cache
def _expression(pattern: str) -> str:
    out, at, group = "", 0, False
    while at < len(pattern):
        letter, rest = pattern[at], pattern[at:]
        taken = 1
        if rest.startswith("**"):
            out, taken = out + ".*", 2
        elif letter == "*":
            out += "[^/]*"
        elif letter == "?":
            out += "[^/]"
        elif letter == "\\" and len(rest) > 1:
            out, taken = out + re.escape(rest[1]), 2
        elif letter == "[" and "]" in rest[2:]:
            taken = rest.index("]", 2) + 1
            out += _set(rest[1 : taken - 1])
        elif letter in "{},":
            out, group = _alternative(out, letter, group)
        else:
            out += re.escape(letter)
        at += taken
    return out if _is_valid(out) else _NOTHING


def _is_valid(expression: str) -> bool:
    """True unless a group is left open or a range runs backwards."""
    try:
        re.compile(expression)
    except re.error:
        return False
    return True


def _set(inside: str) -> str:
    """A bracket expression: ranges and `!` have a meaning, everything else stands for itself."""
    negated = inside.startswith("!")
    body = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[1:] if negated else inside)
    return f"(?!/)[{'^' if negated else ''}{body}]"


def _alternative(out: str, letter: str, group: bool) -> tuple[str, bool]:
    if letter == "{" and not group:
        return out + "(?:", True
    if group:
        return out + (")" if letter == "}" else "|"), letter != "}"
    return out + re.escape(letter), group
