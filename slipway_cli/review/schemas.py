"""CloudFormation's provider schemas of resource types, read from the files that cfn-lint ships.

cfn-lint itself is not imported: that takes a second, and none of its code is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from slipway_cli.review.immutability import RULES
from slipway_cli.review.model import UpdateBehaviour

Json = dict[str, Any]
_REGION = "us-east-1"  # the region with the most types; other regions have the same schemas for fewer types
# Types that hold data, but are missing from the 29 stateful types that cfn-lint and the CDK toolkit list.
_ALSO_STATEFUL = {
    "AWS::ECR::Repository": "the images, which production runs by digest",
    "AWS::ElastiCache::ServerlessCache": "the serverless form of a listed type",
    "AWS::MemoryDB::Cluster": "a durable database",
    "AWS::RDS::DBShardGroup": "the shards of a listed type",
}
_EMPTY_ONLY = frozenset(
    {"AWS::ECR::Repository"}
)  # like a bucket with objects, a repository with images cannot be deleted


def behaviour(
    kind: str, path: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[UpdateBehaviour, str]:
    """Returns the update behaviour of a change at `path`, and the reason if it is not obvious.

    `before` and `after` are all properties of the resource: some behaviours depend on other values.
    """
    schema = _schema(kind)
    if schema is None:
        return _without_schema(kind)
    if _touches(schema.get("createOnlyProperties", ()), path, before, after):
        return UpdateBehaviour.REPLACEMENT, ""
    if _touches(schema.get("conditionalCreateOnlyProperties", ()), path, before, after):
        return _conditional(kind, path, before, after)
    if _interrupts(kind, path):
        return UpdateBehaviour.INTERRUPTION, ""
    return UpdateBehaviour.NO_INTERRUPTION, ""


def stateful(kind: str) -> bool:
    """True if a resource of this type holds data that is lost when it is deleted."""
    return kind in _stateful() or kind in _ALSO_STATEFUL


def deleted_only_when_empty(kind: str) -> bool:
    """True if AWS refuses to delete such a resource while it is not empty."""
    return kind in _EMPTY_ONLY or bool(_stateful().get(kind, {}).get("DeleteRequiresEmptyResource"))


def identifiers(kind: str) -> list[str]:
    """Returns the properties that name the resource and that a template can set."""
    schema = _schema(kind) or {}
    read_only = set(schema.get("readOnlyProperties", ()))
    pointers = [
        *schema.get("primaryIdentifier", ()),
        *(p for ids in schema.get("additionalIdentifiers", ()) for p in ids),
    ]
    # A type identified by an ARN or URL can still have a unique name; that property is then create-only.
    named = [p for p in schema.get("createOnlyProperties", ()) if _is_its_name(kind, p.removeprefix("/properties/"))]
    return [p.removeprefix("/properties/") for p in dict.fromkeys([*pointers, *named]) if p not in read_only]


def deletes_first(kind: str) -> bool:
    """True if a replacement deletes the old resource first, so that the new one can have the same name."""
    return (_schema(kind) or {}).get("replacementStrategy") == "delete_then_create"


def known(kind: str) -> bool:
    """True if the type has a schema."""
    return _schema(kind) is not None


def unordered(kind: str, path: Sequence[str]) -> bool:
    """True if the order of the list at a path has no meaning."""
    schema = _schema(kind) or {}
    place: Json = schema
    for part in path:
        place = _resolved(schema, place)
        place = place["items"] if "items" in place else place.get("properties", {}).get(part, {})
    return _resolved(schema, place).get("insertionOrder") is False


def _resolved(schema: Json, place: Json) -> Json:
    reference = place.get("$ref", "")
    if not reference.startswith("#/definitions/"):
        return place
    found: Json = schema.get("definitions", {}).get(reference.removeprefix("#/definitions/"), {})
    return found


def _is_its_name(kind: str, name: str) -> bool:
    """True for `Name`, and for e.g. `QueueName` of a Queue and `GroupName` of a SecurityGroup."""
    return name.endswith("Name") and kind.rpartition("::")[2].endswith(name.removesuffix("Name"))


def preload() -> None:
    """Fills the caches of the files that each comparison needs."""
    _provider()
    _stateful()
    _interruptions()


def _without_schema(kind: str) -> tuple[UpdateBehaviour, str]:
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return UpdateBehaviour.NO_INTERRUPTION, "the function of the custom resource decides"
    return UpdateBehaviour.MAY_REPLACE, "this type has no schema"


def _conditional(
    kind: str, path: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[UpdateBehaviour, str]:
    rule = RULES.get(kind, {}).get(path[0])
    if rule is None:
        return UpdateBehaviour.MAY_REPLACE, "it depends on the values"
    return rule(before, after)


def _touches(pointers: Sequence[str], path: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """True if a change at a path changes the value of one of the pointers."""
    for pointer in pointers:
        wanted = pointer.removeprefix("/properties/").split("/")
        if _along(wanted, path) and list(_values(before, wanted)) != list(_values(after, wanted)):
            return True
    return False


def _along(pointer: Sequence[str], path: Sequence[str]) -> bool:
    """True if one of the two is a prefix of the other."""
    return all(p in ("*", q) for p, q in zip(pointer, path, strict=False))


def _values(value: Any, pointer: Sequence[str]) -> Iterator[Any]:
    if not pointer:
        yield value
    elif pointer[0] == "*" and isinstance(value, list):
        for item in value:
            yield from _values(item, pointer[1:])
    elif isinstance(value, Mapping) and pointer[0] in value:
        yield from _values(value[pointer[0]], pointer[1:])


def _interrupts(kind: str, path: Sequence[str]) -> bool:
    found = _interruptions().get(kind, ())
    names = [part for part in path if not part.isdigit()]
    return bool(names) and (names[0] in found or any(f"{a}.{b}" in found for a, b in pairwise(names)))


@cache
def _data() -> Path:
    spec = find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("cfn-lint is not installed: type `make setup`")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


@cache
def _provider() -> Mapping[str, str]:
    return dict(_json(_data() / "schemas" / "providers" / f"{_REGION}.json"))


@cache
def _schema(kind: str) -> Json | None:
    name = _provider().get(kind)
    return None if name is None else _json(_data() / "schemas" / "resources" / f"{name}.json")


@cache
def _stateful() -> Mapping[str, Json]:
    found: Mapping[str, Json] = _json(_data() / "AdditionalSpecs" / "StatefulResources.json")["ResourceTypes"]
    return found


@cache
def _interruptions() -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = _json(Path(__file__).with_name("interruptions.json"))["types"]
    return found


def _json(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found
