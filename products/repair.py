"""Repairs wrong values of a manifest, so that the rules about several parts can check the rest of it.

The result is never used as a product: it only lets one load report the problems of both kinds.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

import yaml
from pydantic_core import ErrorDetails

from products.base import FORMS
from products.model import Product

Path = tuple[str | int, ...]
Schema = dict[str, Any]


def repaired(data: Any, errors: Sequence[ErrorDetails]) -> tuple[Any, list[Path]] | None:
    """Returns a copy of the data without the errors, and the paths that differ; None if an error has no safe repair.

    A misspelled key gets its right name, another unknown key is removed. A wrong value is replaced by the key's default
    or by any valid value. Missing sections and values that contradict each other have no safe repair: the rest of the
    manifest depends on them.
    """
    result, touched = copy.deepcopy(data), []
    for error in errors:
        path: Path = tuple(part for part in error["loc"] if part not in FORMS)
        if error["type"] == "value_error" or not path or "[key]" in path:
            return None
        place = _place(result, path[:-1])
        if place is None or not _repair(place, path, error):
            return None
        touched.append(path)
    return result, touched


def concerns(key: str, touched: Sequence[Path]) -> bool:
    """True if a key is, contains or is contained in a path that a repair touched: a message about it could be wrong."""
    parts = key.split(".")
    for path in touched:
        shorter = min(len(parts), len(path))
        if parts[:shorter] == [str(part) for part in path[:shorter]]:
            return True
    return False


def _repair(place: Any, path: Path, error: ErrorDetails) -> bool:
    """Repair one value in its place; False if that cannot be done safely."""
    key: Any = path[-1]
    if error["type"] == "extra_forbidden":
        value = place.pop(key, None)
        known = _resolved(_at(path[:-1])).get("properties", {})
        for name in get_close_matches(str(key), known, n=1):
            place.setdefault(name, value)
        return True
    schema = _at(path)
    if "default" in schema:
        place.pop(key, None) if isinstance(place, dict) else place.__setitem__(key, schema["default"])
        return True
    kind = _resolved(schema)
    if kind.get("type") == "object":
        return False
    place[key] = _any_value(kind)
    return True


def _place(data: Any, path: Path) -> Any:
    """Returns the mapping or list at a path; None if there is none."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data if isinstance(data, dict | list) else None


@cache
def _schema() -> Schema:
    return Product.model_json_schema()


def _at(path: Path) -> Schema:
    """Returns the schema of the value at a path, with its default."""
    schema = _schema()
    for part in path:
        resolved = _resolved(schema)
        entries = next(iter(resolved.get("patternProperties", {}).values()), None) or resolved.get(
            "additionalProperties"
        )
        found = resolved.get("properties", {}).get(part) or entries or resolved.get("items")
        schema = found if isinstance(found, dict) else {}
    return schema


def _resolved(schema: Schema) -> Schema:
    """Returns the definition that a schema refers to; of a choice, the first."""
    while "$ref" in schema or "anyOf" in schema or "oneOf" in schema:
        if "$ref" in schema:
            schema = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = (schema.get("anyOf") or schema["oneOf"])[0]
    return schema


def _any_value(schema: Schema) -> Any:
    """Returns any valid value of a plain type or a list."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "array":
            return [_any_value(_resolved(schema["items"]))] * schema.get("minItems", 0)
        case "integer":
            return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        case "boolean":
            return False
        case _:
            return str(yaml.safe_load(schema["examples"][0])) if "examples" in schema else "x"
