"""Changes that synthesize, but that CloudFormation rejects during the deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slipway_cli.review import schemas
from slipway_cli.review.assembly import Assembly
from slipway_cli.review.canonical import references, resources
from slipway_cli.review.model import Action, Finding, ResourceChange, Severity, UpdateBehaviour
from slipway_cli.review.resources import Comparison, named
from slipway_cli.review.words import code, noun

Json = dict[str, Any]


def resource_failures(comparison: Comparison, changes: Mapping[str, ResourceChange]) -> Iterator[Finding]:
    """Yields the resource changes of one stack that CloudFormation or AWS rejects."""
    for logical_id, change in changes.items():
        if logical_id not in comparison.after:
            continue
        old = comparison.before.get(change.previous_id or logical_id)
        if old is None:
            continue
        new = comparison.after[logical_id]
        for words, advice in _problems(change, old, new):
            yield Finding("deployment-fails", Severity.DANGER, change.stack, change.path, words, advice)


def export_failures(
    before: Assembly, after: Assembly, replaced: Mapping[str, Mapping[str, ResourceChange]]
) -> Iterator[Finding]:
    """Yields the exports that are removed or changed while a deployed stack imports them."""
    users = _imports(before)
    for stack in before.stacks:
        now = after.by_name.get(stack.name)
        if now is None:
            continue
        kept = _exports(now.template)
        for name in _exports(stack.template):
            importers = users.get(name, [])
            if not importers:
                continue
            if name not in kept:
                yield _removed_export(stack.name, name, importers)
            else:
                yield from _changed_export(stack.name, name, kept[name], importers, replaced.get(stack.name, {}))


def _problems(change: ResourceChange, old: Json, new: Json) -> Iterator[tuple[str, str]]:
    what = noun(change.path)
    if old["Type"] != new["Type"]:
        yield (
            f"{what}: CloudFormation cannot change the resource type {code(old['Type'])} to {code(new['Type'])}",
            "give the new resource a logical id of its own",
        )
        return
    name = named(old, new)
    certain = change.action is Action.RENAME or change.behaviour is UpdateBehaviour.REPLACEMENT
    if name and certain and change.replaced and not schemas.deletes_first(change.type):
        yield (
            f"{what}: its replacement has the same name {code(name)} and is created before the old one is deleted",
            "change the name too, or let CloudFormation generate it",
        )
    if change.type == "AWS::RDS::DBInstance" and not change.replaced:
        yield from _database(what, old.get("Properties") or {}, new.get("Properties") or {})


def _database(what: str, old: Json, new: Json) -> Iterator[tuple[str, str]]:
    versions = [str(properties.get("EngineVersion", "")).split(".")[0] for properties in (old, new)]
    if all(version.isdigit() for version in versions) and versions[0] != versions[1]:
        current, other = map(int, versions)
        if other < current:
            yield (
                f"{what}: RDS cannot downgrade from version {current} to {other}",
                "restore a snapshot of the old version",
            )
        elif str(new.get("AllowMajorVersionUpgrade", "")).lower() != "true":
            yield (
                f"{what}: RDS rejects the major upgrade {current} → {other}",
                "set AllowMajorVersionUpgrade, and rehearse it on a restored snapshot first",
            )
    sizes = [str(properties.get("AllocatedStorage", "")) for properties in (old, new)]
    if all(size.isdigit() for size in sizes) and int(sizes[1]) < int(sizes[0]):
        yield f"{what}: RDS cannot shrink storage ({sizes[0]} → {sizes[1]} GB)", "keep the size, or move the data"


def _exports(template: Mapping[str, Any]) -> dict[str, Json]:
    return {
        str(output["Export"]["Name"]): output
        for output in (template.get("Outputs") or {}).values()
        if isinstance(output, dict) and isinstance((output.get("Export") or {}).get("Name"), str)
    }


def _imports(assembly: Assembly) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stack in assembly.stacks:
        for name in dict.fromkeys(_imported(resources(stack.template))):
            found.setdefault(name, []).append(stack.name)
    return found


def _imported(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _imported(item)
    elif isinstance(value, Mapping):
        for name, argument in value.items():
            if name == "Fn::ImportValue" and isinstance(argument, str):
                yield argument
            else:
                yield from _imported(argument)


def _removed_export(stack: str, name: str, importers: list[str]) -> Finding:
    return Finding(
        "deployment-fails",
        Severity.DANGER,
        stack,
        f"Outputs/{name.rpartition(':')[2]}",
        f"export {code(name)} is removed while the deployed {', '.join(importers)} imports it",
        "keep it in this change (`stack.export_value`), and remove it in a second one, when nothing imports it",
    )


def _changed_export(
    stack: str, name: str, output: Json, importers: list[str], changes: Mapping[str, ResourceChange]
) -> Iterator[Finding]:
    for logical_id in references(output.get("Value")):
        change = changes.get(logical_id)
        if change is not None and change.replaced:
            may = "may be" if change.behaviour is UpdateBehaviour.MAY_REPLACE else "is"
            yield Finding(
                "deployment-fails",
                Severity.DANGER,
                stack,
                change.path,
                f"{noun(change.path)} {may} replaced, which changes export {code(name)} that {', '.join(importers)} "
                "imports: CloudFormation rejects that",
                "create a second one, switch the importing stacks to it, and remove the old one later",
            )
            return
