"""What a function is called with, or a sentence about what it should have been.

An event that cannot be read raises: Lambda tries again and then keeps it, where an alarm watches. What it holds is
never repeated, since a job's event carries credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class UnreadableEventError(ValueError):
    """An event that is not what this function is for."""


def table(value: Any, name: str) -> Mapping[str, Any]:
    """A part of an event that must be an object."""
    if not isinstance(value, Mapping):
        raise UnreadableEventError(f"expected an event of CodePipeline with the object {name}, got {_kind(value)}")
    return value


def text(part: Any, key: str, name: str) -> str:
    """A part of an event that must be a text."""
    value = table(part, name).get(key)
    if not isinstance(value, str) or not value:
        raise UnreadableEventError(f"expected an event of CodePipeline with the text {name}.{key}, got {_kind(value)}")
    return value


def inner(value: Any, *keys: str) -> Any:
    """What stands below some keys, or None where one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
