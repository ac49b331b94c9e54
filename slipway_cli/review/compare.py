"""Compares two assemblies and reports the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from slipway_cli.review import failures, words
from slipway_cli.review.access.exposure import exposures
from slipway_cli.review.access.naming import Names
from slipway_cli.review.access.network import networks
from slipway_cli.review.access.rights import Side, rights
from slipway_cli.review.assembly import Assembly, Stack, comparable
from slipway_cli.review.canonical import others, references, renamed, scrubbed
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.model import (
    Action,
    Broadening,
    Direction,
    Fate,
    Finding,
    PropertyChange,
    Reach,
    Report,
    ResourceChange,
    Section,
    Severity,
    StackChange,
    UpdateBehaviour,
)
from slipway_cli.review.protections import weakened_protections
from slipway_cli.review.resources import Comparison
from slipway_cli.review.values import differences, dotted

Json = dict[str, Any]
_MOST = 3  # sentences about one role in a finding; the section of its stack lists all of them
_AUTOMATIC = "ExportsOutput"  # how CDK names the output that another stack imports


def compare(before: Assembly, after: Assembly, *, product: str, base: str, sections: Iterable[Section] = ()) -> Report:
    """Returns the changes between two assemblies, and the findings that a reviewer must see first.

    Raises:
        ReviewError: if a template is malformed, e.g. `Properties` is a list.
    """
    collector = _Collector(before, after)
    for name in [*after.by_name, *(name for name in before.by_name if name not in after.by_name)]:
        with template_errors(name):
            collector.add(before.by_name.get(name), after.by_name.get(name))
    with template_errors("outputs and imports"):
        collector.findings += failures.export_failures(before, after, collector.replaced)
        findings = [_with_move_advice(finding, collector.stacks, before, after) for finding in collector.findings]
    warning = comparable(before, after) if before.stacks else ""
    return Report(
        product=product,
        base=base,
        stacks=tuple(collector.stacks),
        findings=tuple(sorted(findings, key=lambda finding: (_RANK.get(finding.rule, len(_RANK)), -finding.severity))),
        sections=tuple(sections),
        noise=tuple(_noise(collector.noise)),
        warnings=(warning,) if warning else (),
    )


_RANK = {
    rule: rank
    for rank, rule in enumerate(
        ("replace-stateful", "delete-stateful", "deployment-fails", "broaden-iam", "open-network", "weaken-protection")
    )
}


@contextmanager
def template_errors(name: str) -> Iterator[None]:
    """Stops the review if a template is malformed, because an incomplete report would look complete.

    Raises:
        ReviewError: instead of the exceptions that a malformed template causes; it says which stack is at fault.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ReviewError(
            f"{name}: a template is malformed ({type(error).__name__}: {error}); "
            "`cdk synth` with validation shows where"
        ) from error


class _Collector:
    """The changes and findings, collected stack by stack."""

    def __init__(self, before: Assembly, after: Assembly) -> None:
        self._before, self._after = before, after
        self.stacks: list[StackChange] = []
        self.findings: list[Finding] = []
        self.noise: Counter[str] = Counter()
        self.replaced: dict[str, Mapping[str, ResourceChange]] = {}

    def add(self, old: Stack | None, new: Stack | None) -> None:
        if new is None:
            if old is not None:
                self._add_removed_stack(old)
            return
        if old is not None and (old.account, old.region) != (new.account, new.region):
            self._add_moved_stack(old, new)
            old = None
        comparison = Comparison(old, new)
        changes = comparison.changes
        self.noise += changes.noise
        self.replaced[new.name] = changes.resources
        paths = {**(old.paths if old else {}), **new.paths}
        described = tuple(_described(change, new, paths) for change in changes.resources.values())
        about_rights, about_networks = self._access(old, new)
        outside = tuple(self._others(old, new))
        if described or about_rights or about_networks or outside or old is None:
            action = Action.ADD if old is None else Action.UPDATE
            broadenings = (*about_rights, *about_networks)
            self.stacks.append(StackChange(new.name, new.environment, action, described, broadenings, outside))
        self.findings += failures.resource_failures(comparison, changes.resources)
        for change in described:
            self.findings += _data_finding(change)
            self.findings += weakened_protections(change)
        self.findings += _grouped("broaden-iam", about_rights)
        self.findings += _grouped("open-network", about_networks)
        if old is not None and old.protected and not new.protected:
            description = f"stack {words.code(new.name)}: termination protection is switched off"
            self.findings.append(Finding("weaken-protection", Severity.WARNING, new.name, "", description))

    def _add_removed_stack(self, old: Stack) -> None:
        """Reports a stack that is no longer in the app: CDK does not delete it."""
        stores = sum(resource.stateful for resource in Comparison(None, old).changes.resources.values())
        self.stacks.append(StackChange(old.name, old.environment, Action.REMOVE))
        description = (
            f"stack {words.code(old.name)} is removed from the app: it stays deployed, with {_counted(stores)}"
        )
        advice = "when it is no longer needed, delete it by hand: run `cdk destroy` in a checkout of the base"
        self.findings.append(Finding("stack-removed", Severity.WARNING, old.name, "", description, advice))

    def _add_moved_stack(self, old: Stack, new: Stack) -> None:
        """Reports a stack that moves to another account or region: CloudFormation creates a new one there."""
        stores = sum(resource.stateful for resource in Comparison(None, old).changes.resources.values())
        rule, severity = ("replace-stateful", Severity.DANGER) if stores else ("stack-removed", Severity.WARNING)
        description = (
            f"stack {words.code(old.name)} moves from {old.account}/{old.region} to {new.account}/{new.region}: a new, "
            f"empty one is created there, and the old one stays deployed, with {_counted(stores)}"
        )
        advice = "copy the data over, and delete the old stack by hand when it is no longer needed"
        self.findings.append(Finding(rule, severity, new.name, "", description, advice))

    def _access(self, old: Stack | None, new: Stack) -> tuple[list[Broadening], list[Broadening]]:
        nothing = replace(new, template={}, paths={})
        sides = (
            Side((old or nothing).template, Names(old or nothing, self._before)),
            Side(new.template, Names(new, self._after)),
        )
        return list(rights(new.name, *sides)), [*networks(new.name, *sides), *exposures(new.name, *sides)]

    def _others(self, old: Stack | None, new: Stack) -> Iterator[PropertyChange]:
        if old is None:
            return
        for difference in differences(others(old.template), others(new.template)):
            if (
                len(difference.path) > 1
                and difference.path[0] == "Outputs"
                and difference.path[1].startswith(_AUTOMATIC)
            ):
                self.noise["exports between stacks"] += 1
            else:
                behaviour = UpdateBehaviour.NOTHING
                yield PropertyChange(dotted(difference.path), difference.before, difference.after, behaviour)


def _with_move_advice(finding: Finding, stacks: Iterable[StackChange], before: Assembly, after: Assembly) -> Finding:
    """Adds advice to the finding if the deleted store is created again in another stack."""
    changes = [(stack.name, change) for stack in stacks for change in stack.resources]
    gone = next(
        (c for name, c in changes if (name, c.path, c.action) == (finding.stack, finding.path, Action.REMOVE)), None
    )
    if finding.rule != "delete-stateful" or gone is None:
        return finding
    was = scrubbed(before[finding.stack].resources[gone.logical_id].get("Properties"))
    for name, new in changes:
        alike = new.action is Action.ADD and new.type == gone.type
        if alike and scrubbed(after[name].resources[new.logical_id].get("Properties")) == was:
            advice = f"stack {name} creates it again, empty; `cdk refactor` moves the existing one with its data"
            return replace(finding, advice=advice)
    return finding


def _described(change: ResourceChange, stack: Stack, paths: Mapping[str, str]) -> ResourceChange:
    """Returns a change with its description."""
    description = words.sentence(_with_construct_paths(change, paths))
    if change.type != "AWS::ECS::TaskDefinition" or not change.replaced:
        return replace(change, words=f"{words.noun(change.path)}: {description}")
    users = [
        logical_id
        for logical_id, resource in stack.resources.items()
        if resource["Type"] == "AWS::ECS::Service" and change.logical_id in references(resource)
    ]
    if not users:
        return replace(
            change, words=f"{words.noun(change.path)}: {description.removesuffix('tasks restart')}from its next run"
        )
    return replace(change, words=f"{words.noun(stack.path(users[0]))}: {description}")


def _with_construct_paths(change: ResourceChange, paths: Mapping[str, str]) -> ResourceChange:
    """Returns a change whose values refer to construct paths instead of logical ids."""
    properties = (
        replace(
            property_change, before=renamed(property_change.before, paths), after=renamed(property_change.after, paths)
        )
        for property_change in change.properties
    )
    return replace(change, properties=tuple(properties))


def _data_finding(change: ResourceChange) -> Iterator[Finding]:
    """Yields the finding about data loss or interruption that a change of one resource causes."""
    rule, severity, advice = "", Severity.DANGER, ""
    if change.stateful and change.replaced:
        rule = "replace-stateful"
        advice = _ADVICE.get(change.fate, "")
        if change.action is Action.RENAME:
            advice = (
                f"keep the logical id (`override_logical_id({change.previous_id!r})`), or move it with `cdk refactor`"
            )
    elif change.stateful and change.action is Action.REMOVE:
        rule = "delete-stateful"
        severity = Severity.DANGER if change.fate is Fate.LOST else Severity.WARNING
    elif change.action is Action.UPDATE and change.behaviour is UpdateBehaviour.INTERRUPTION:
        rule, severity = "interrupt", Severity.NOTE
    if rule:
        yield Finding(rule, severity, change.stack, change.path, change.words, advice)


_ADVICE = {
    Fate.LOST: "back it up first; `keep_data: true` in the manifest keeps it",
    Fate.SNAPSHOT: "restore the snapshot into the new one, or avoid the change that causes the replacement",
    Fate.KEPT: "copy the data over, or avoid the change that causes the replacement",
}


def _grouped(rule: str, broadenings: Iterable[Broadening]) -> Iterator[Finding]:
    """Yields one finding for each role, group or policy whose access grows."""
    by_path: dict[str, list[Broadening]] = {}
    for broadening in broadenings:
        if broadening.direction is not Direction.NARROWS:
            by_path.setdefault(broadening.path, []).append(broadening)
    for path, found in by_path.items():
        public_first = sorted(found, key=lambda change: change.reach is not Reach.PUBLIC)
        sentences = "; ".join(change.words for change in public_first[:_MOST])
        more = f"; {len(found) - _MOST} more below" if len(found) > _MOST else ""
        yield Finding(rule, Severity.WARNING, found[0].stack, path, f"{sentences}{more}")


def _counted(stores: int) -> str:
    return "1 data store" if stores == 1 else f"{stores} data stores"


def _noise(counted: Mapping[str, int]) -> Iterator[str]:
    for kind, number in sorted(counted.items()):
        yield f"{number} {kind}" if "::" not in kind else f"hashes of {number} {kind}"
