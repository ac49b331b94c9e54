"""Path patterns of services: which is more specific, and which covers which."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product

EVERYTHING = "/*"
"""The pattern that matches every path; `*` is the same."""

_MATCHES = {"*": ".*", "?": "."}
_LENGTHS = (0, 1, 6)  # of what a `*` matches: nothing, one character, and more than the other pattern's `?`


def is_everything(pattern: str) -> bool:
    """True if a pattern matches every path."""
    return re.fullmatch(r"/?\*+", pattern) is not None


def specificity(pattern: str) -> tuple[bool, int, int, int, int, str]:
    """Returns a sort key: patterns in ascending order are tried in this order by CloudFront and the load balancer.

    Both take the first pattern that matches. A path without wildcards is first. Then follow patterns with the longest
    text before their first wildcard, those with more other characters, those that demand more characters, and those
    with fewer `*`. So a pattern is always before every other pattern that covers it.
    """
    pattern = same(pattern)
    before = re.split(r"[*?]", pattern, maxsplit=1)[0]
    demanded = pattern.replace("*", "")
    literal = demanded.replace("?", "")
    return before != pattern, -len(before), -len(literal), -len(demanded), pattern.count("*"), pattern


def ordered(patterns: Iterable[str]) -> list[str]:
    """Returns patterns in the order in which they must be tried, the most specific first."""
    return sorted(patterns, key=specificity)


def same(pattern: str) -> str:
    """Returns one form of all patterns that match the same paths, e.g. `/a/*` for `/a/**`, and `/?*` for `/*?`."""
    rooted = pattern if pattern.startswith("/") else f"/{pattern}"
    return re.sub(r"[*?]{2,}", lambda found: "?" * found[0].count("?") + "*" * ("*" in found[0]), rooted)


def covers(wide: str, narrow: str) -> bool:
    """True if every path that `narrow` matches is also matched by `wide`; both have at most five wildcards."""
    # No text of `wide` matches "\0", so the paths below are the hardest ones that `narrow` matches.
    matches = re.compile("".join(_MATCHES.get(character, re.escape(character)) for character in same(wide)))
    *texts, last = same(narrow).replace("?", "\0").split("*")
    for lengths in product(_LENGTHS, repeat=len(texts)):
        path = "".join(text + "\0" * length for text, length in zip(texts, lengths, strict=True)) + last
        if not matches.fullmatch(path):
            return False
    return True
