"""Converts template properties to API parameters, according to botocore's model of the API.

Templates have PascalCase names and scalars as strings; the API has its own spelling and types. A property that the API
does not know is an error, and is never dropped silently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from botocore.model import Shape

Params = Mapping[str, Any]


class UnknownPropertyError(ValueError):
    """The template has properties that the API operation does not take."""


def boolean(value: object) -> bool:
    """Returns a template's boolean, which may be the string ``false``."""
    return str(value).lower() == "true"


def tags(value: object) -> dict[str, str]:
    """Returns a template's tags, a list of ``{Key, Value}`` or a map, as a map."""
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items()}
    return {str(t["Key"]): str(t.get("Value", "")) for t in value} if isinstance(value, list) else {}


def coerce(shape: Shape, params: Params, ignore: Collection[str] = ()) -> dict[str, Any]:
    """Returns the parameters for ``shape``; the error lists every property that the shape does not have.

    ``ignore`` names properties to leave out, as dotted paths (``Outer.Inner``).
    """
    unknown: list[str] = []
    result = _structure(shape, params, "", set(ignore), unknown)
    if unknown:
        raise UnknownPropertyError(f"{shape.name} takes no {', '.join(sorted(unknown))}")
    return result


def _structure(shape: Any, value: Params, path: str, ignore: set[str], unknown: list[str]) -> dict[str, Any]:
    members = {name.lower(): name for name in shape.members}
    result: dict[str, Any] = {}
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        if here in ignore or item is None:
            continue
        name = members.get(key.lower())
        if name is None:
            unknown.append(here)
            continue
        result[name] = _value(shape.members[name], item, here, ignore, unknown)
    return result


def _value(shape: Any, value: Any, path: str, ignore: set[str], unknown: list[str]) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if isinstance(value, list) and {"Quantity", "Items"} <= set(shape.members):
            value = {"Quantity": len(value), "Items": value}  # the form of lists in CloudFront's API
        return _structure(shape, value, path, ignore, unknown) if isinstance(value, Mapping) else value
    if kind == "list":
        items = value if isinstance(value, list) else [value]
        return [_value(shape.member, item, path, ignore, unknown) for item in items]
    if kind == "map":
        pairs = tags(value) if isinstance(value, list) else value
        return {str(k): _value(shape.value, v, f"{path}.{k}", ignore, unknown) for k, v in pairs.items()}
    return _scalar(kind, value)


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "integer": int,
    "long": int,
    "double": float,
    "float": float,
    "boolean": boolean,
    "blob": lambda value: value.encode() if isinstance(value, str) else value,
    "string": _string,
}


def _scalar(kind: str, value: Any) -> Any:
    return _SCALARS[kind](value) if kind in _SCALARS else value
