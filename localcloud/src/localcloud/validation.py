"""Validates requests against botocore's model of an API, with the error messages of the real service."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "blob": (str,),
    "boolean": (bool,),
    "timestamp": (int, float, str),
}
# Java's classes of characters, which Python's patterns lack; \w also covers marks and connectors.
_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}


@functools.cache
def model(service: str) -> Any:
    """Returns botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def violation(service: str, operation: str, request: Mapping[str, Any]) -> str | None:
    """Returns the message about all violations of the model; None if there are none."""
    shape = model(service).operation_model(operation).input_shape
    found = list(problems(shape, request)) if shape is not None else []
    if not found:
        return None
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
    return f"{count}: {'; '.join(found)}"


def problems(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Yields each violation of a shape of the model by a value, with its path."""
    if not _has_type(shape.type_name, value):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be of type {shape.type_name}"
    elif shape.type_name == "structure":
        yield from _structure(shape, value, path)
    elif shape.type_name == "list":
        yield from _size(shape, len(value), path)
        for number, item in enumerate(value, 1):
            yield from problems(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from problems(shape.key, key, f"{path} (key)")
            yield from problems(shape.value, item, f"{path}.{key}")
    else:
        yield from _scalar(shape, value, path)


def _has_type(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean") == isinstance(value, bool)


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from problems(member, value[name], _join(path, name))


def _join(path: str, name: str) -> str:
    """Returns the path of a member as AWS's messages write it, which begins each name with a small letter."""
    small = name[:1].lower() + name[1:]
    return f"{path}.{small}" if path else small


def _size(shape: Any, size: int, path: str, what: str = "have length") -> Iterator[str]:
    lowest, highest = shape.metadata.get("min"), shape.metadata.get("max")
    if lowest is not None and size < lowest:
        yield f"Value at '{path}' failed to satisfy constraint: Member must {what} greater than or equal to {lowest}"
    if highest is not None and size > highest:
        yield f"Value at '{path}' failed to satisfy constraint: Member must {what} less than or equal to {highest}"


@functools.cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """Returns a pattern of the model; None if Python's syntax has no such pattern, so that no value is refused."""
    for java, python in _CLASSES.items():
        text = text.replace(java, python)
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        return None


def _scalar(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name in {"integer", "long"}:
        yield from _size(shape, value, path, "have value")
    if shape.type_name != "string":
        return
    yield from _size(shape, len(value), path)
    pattern = _pattern(shape.metadata.get("pattern", ""))
    if pattern and pattern.pattern and not pattern.fullmatch(value):
        yield (
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
        )
    if shape.enum and value not in shape.enum:
        yield (
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        )
