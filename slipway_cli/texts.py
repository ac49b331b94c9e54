"""Texts of strangers, made safe for a terminal."""

from __future__ import annotations

import unicodedata

_BLANKS = "\n\r\t\x0b\x0c\x85\u2028\u2029"


def plain(text: object) -> str:
    """One line without control characters: a commit's message may hold anything, and a terminal obeys some of it."""
    spaced = "".join(" " if char in _BLANKS else char for char in str(text))
    return " ".join("".join(char for char in spaced if unicodedata.category(char)[0] != "C").split())
