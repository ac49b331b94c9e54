"""Reads pairs.yaml, the table of template pairs with their expected verdicts."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.compare import compare
from slipway_cli.review.model import Action, Direction, Fate, Report, UpdateBehaviour

Json = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """One row of the table."""

    name: str
    before: Json
    after: Json
    resource: str
    verdict: str
    fate: str
    access: str
    rules: tuple[str, ...]
    cdk: Mapping[str, str]


def pairs() -> list[Pair]:
    """Returns all rows."""
    rows = yaml.load(Path(__file__).with_name("pairs.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)["pairs"]
    return [
        Pair(
            name=row["name"],
            before={"Resources": row["before"]},
            after={"Resources": patched(row["before"], row["change"])},
            resource=row["resource"],
            verdict=row["verdict"],
            fate=row.get("fate", "none"),
            access=row.get("access", "none"),
            rules=tuple(sorted(row["rules"])),
            cdk=row.get("cdk", {}),
        )
        for row in rows
    ]


def patched(value: Any, change: Any) -> Any:
    """Applies a JSON merge patch (RFC 7396) to a copy of a value."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    result = copy.deepcopy(value) if isinstance(value, dict) else {}
    for key, inner in change.items():
        if inner is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), inner)
    return result


def report(before: Json, after: Json) -> Report:
    """Returns the report on two templates of one stack."""
    return compare(_assembly(before), _assembly(after), product="shop", base="main")


def _assembly(template: Json) -> Assembly:
    return Assembly((Stack("shop-data", "production", "111122223333", "us-east-1", template),), "55.0.0")


def verdict(report: Report, logical_id: str) -> str:
    """Returns the verdict on one resource, in the table's words."""
    found = [resource for stack in report.stacks for resource in stack.resources if resource.logical_id == logical_id]
    if not found:
        return "none"
    (change,) = found
    return _ACTIONS.get(change.action) or _BEHAVIOURS[change.behaviour]


def fate(report: Report, logical_id: str) -> str:
    """Returns the fate of the data of one resource, in the table's words."""
    found = [
        resource.fate for stack in report.stacks for resource in stack.resources if resource.logical_id == logical_id
    ]
    return {Fate.LOST: "lost", Fate.SNAPSHOT: "snapshot", Fate.KEPT: "kept"}.get(
        found[0] if found else Fate.NONE, "none"
    )


def access(report: Report) -> str:
    """Returns the direction of permissions and networks, in the table's words."""
    found = {broadening.direction for stack in report.stacks for broadening in stack.broadenings}
    if found == {Direction.GROWS, Direction.NARROWS}:
        return "both"
    return {Direction.GROWS: "grows", Direction.NARROWS: "narrows"}.get(next(iter(found), Direction.SHIFTS), "none")


_ACTIONS = {Action.ADD: "added", Action.REMOVE: "removed", Action.RENAME: "renamed"}
_BEHAVIOURS = {
    UpdateBehaviour.NOTHING: "nothing",
    UpdateBehaviour.NO_INTERRUPTION: "in place",
    UpdateBehaviour.INTERRUPTION: "interruption",
    UpdateBehaviour.MAY_REPLACE: "may be replaced",
    UpdateBehaviour.REPLACEMENT: "replacement",
}
