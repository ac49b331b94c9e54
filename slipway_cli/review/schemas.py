"""What CloudFormation says about resource types: its provider schemas, as cfn-lint brings them.

They are read as files: importing cfn-lint takes a second, and none of its code is needed.
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
_REGION = "us-east-1"  # the region with the most types; what differs elsewhere is only which types there are
# Types that hold data which neither cfn-lint nor the CDK toolkit (the same 29 types) counts as stateful.
_ALSO_STATEFUL = {
    "AWS::ECR::Repository": "the images, which production runs by digest",
    "AWS::ElastiCache::ServerlessCache": "the serverless form of a listed type",
    "AWS::MemoryDB::Cluster": "a durable database",
    "AWS::RDS::DBShardGroup": "the shards of a listed type",
}
_EMPTY_ONLY = frozenset({"AWS::ECR::Repository"})  # deleting a repository with images fails, as a bucket with objects


def behaviour(
    kind: str, path: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[UpdateBehaviour, str]:
    """What a change at `path` of a resource's properties does to it, and why where that needs saying.

    `before` and `after` are the whole properties: some schemas make it depend on values.
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
    """Whether a resource of this type holds data that its deletion takes away."""
    return kind in _stateful() or kind in _ALSO_STATEFUL


def deleted_only_when_empty(kind: str) -> bool:
    """Whether AWS refuses to delete such a resource while there is something in it."""
    return kind in _EMPTY_ONLY or bool(_stateful().get(kind, {}).get("DeleteRequiresEmptyResource"))


def identifiers(kind: str) -> list[str]:
    """The properties that name the resource, as far as a template can set them."""
    schema = _schema(kind) or {}
    read_only = set(schema.get("readOnlyProperties", ()))
    pointers = [
        *schema.get("primaryIdentifier", ()),
        *(p for ids in schema.get("additionalIdentifiers", ()) for p in ids),
    ]
    # Types identified by an ARN or URL still have a name that must be unique, which is then create-only.
    named = [p for p in schema.get("createOnlyProperties", ()) if _is_its_name(kind, p.removeprefix("/properties/"))]
    return [p.removeprefix("/properties/") for p in dict.fromkeys([*pointers, *named]) if p not in read_only]


def deletes_first(kind: str) -> bool:
    """Whether a replacement deletes the old resource before it creates the new one, so that both may have one name."""
    return (_schema(kind) or {}).get("replacementStrategy") == "delete_then_create"


def known(kind: str) -> bool:
    """Whether there is a schema for the type."""
    return _schema(kind) is not None


def unordered(kind: str, path: Sequence[str]) -> bool:
    """Whether the list at a path means the same in any order."""
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
    """`Name`, `QueueName` of a Queue, `GroupName` of a SecurityGroup."""
    return name.endswith("Name") and kind.rpartition("::")[2].endswith(name.removesuffix("Name"))


def warm() -> None:
    """Read what every comparison needs, so that it need not be read later."""
    _provider()
    _stateful()
    _interruptions()


def _without_schema(kind: str) -> tuple[UpdateBehaviour, str]:
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return UpdateBehaviour.NO_INTERRUPTION, "the function behind it decides"
    return UpdateBehaviour.MAY_REPLACE, "no schema is known for this type"


def _conditional(
    kind: str, path: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[UpdateBehaviour, str]:
    rule = RULES.get(kind, {}).get(path[0])
    if rule is None:
        return UpdateBehaviour.MAY_REPLACE, "CloudFormation decides by the values"
    return rule(before, after)


def _touches(pointers: Sequence[str], path: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a change at a path changes what one of the pointers points to."""
    for pointer in pointers:
        wanted = pointer.removeprefix("/properties/").split("/")
        if _along(wanted, path) and list(_values(before, wanted)) != list(_values(after, wanted)):
            return True
    return False


def _along(pointer: Sequence[str], path: Sequence[str]) -> bool:
    """Whether one of the two leads to the other."""
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
