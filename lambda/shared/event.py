"""Reads the event that a function is invoked with, and says what was expected if it is malformed.

A malformed event raises: Lambda retries it and then sends it to the queue of failed events, which has an alarm. The
message never repeats the event's values, since a job's event carries credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class UnreadableEventError(ValueError):
    """The event does not have the structure that the function expects."""


def table(value: Any, name: str) -> Mapping[str, Any]:
    """Returns a part of an event that must be an object."""
    if not isinstance(value, Mapping):
        raise UnreadableEventError(f"expected a CodePipeline event with an object {name}, got {_kind(value)}")
    return value


def text(part: Any, key: str, name: str) -> str:
    """Returns a part of an event that must be a non-empty string."""
    value = table(part, name).get(key)
    if not isinstance(value, str) or not value:
        raise UnreadableEventError(f"expected a CodePipeline event with a string {name}.{key}, got {_kind(value)}")
    return value


def inner(value: Any, *keys: str) -> Any:
    """Returns the value below nested keys, or None if a key is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
