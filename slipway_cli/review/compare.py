"""Two assemblies become a report."""

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
from slipway_cli.review.protections import taken_back
from slipway_cli.review.resources import Comparison
from slipway_cli.review.values import differences, dotted

Json = dict[str, Any]
_MOST = 3  # sentences about one role among the findings; all of them stand in its stack's part
_AUTOMATIC = "ExportsOutput"  # how CDK calls what one stack takes of another


def compare(before: Assembly, after: Assembly, *, product: str, base: str, sections: Iterable[Section] = ()) -> Report:
    """What changes between two assemblies, what it means, and what a reviewer must know first.

    Raises:
        ReviewError: if a template is not shaped as CloudFormation's are, e.g. `Properties` is a list.
    """
    gathered = _Gathered(before, after)
    for name in [*after.by_name, *(name for name in before.by_name if name not in after.by_name)]:
        with shaped(name):
            gathered.add(before.by_name.get(name), after.by_name.get(name))
    with shaped("outputs and imports"):
        gathered.findings += failures.of_exports(before, after, gathered.replaced)
        findings = [_moved(finding, gathered.stacks, before, after) for finding in gathered.findings]
    warning = comparable(before, after) if before.stacks else ""
    return Report(
        product=product,
        base=base,
        stacks=tuple(gathered.stacks),
        findings=tuple(sorted(findings, key=lambda finding: (_RANK.get(finding.rule, len(_RANK)), -finding.severity))),
        sections=tuple(sections),
        noise=tuple(_noise(gathered.noise)),
        warnings=(warning,) if warning else (),
    )


_RANK = {
    rule: rank
    for rank, rule in enumerate(
        ("replace-stateful", "delete-stateful", "deployment-fails", "broaden-iam", "open-network", "weaken-protection")
    )
}


@contextmanager
def shaped(name: str) -> Iterator[None]:
    """Name what is worked on if its template is not shaped as expected: a report without it would pass for the whole.

    Raises:
        ReviewError: in place of what a value that nobody expects there raises.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ReviewError(
            f"{name}: a template is not shaped as CloudFormation's templates are ({type(error).__name__}: {error}); "
            "`cdk synth` with validation says where"
        ) from error


class _Gathered:
    """What is found, stack by stack."""

    def __init__(self, before: Assembly, after: Assembly) -> None:
        self._before, self._after = before, after
        self.stacks: list[StackChange] = []
        self.findings: list[Finding] = []
        self.noise: Counter[str] = Counter()
        self.replaced: dict[str, Mapping[str, ResourceChange]] = {}

    def add(self, old: Stack | None, new: Stack | None) -> None:
        if new is None:
            if old is not None:
                self._gone(old)
            return
        if old is not None and (old.account, old.region) != (new.account, new.region):
            self._elsewhere(old, new)
            old = None
        comparison = Comparison(old, new)
        changes = comparison.changes
        self.noise += changes.noise
        self.replaced[new.name] = changes.resources
        paths = {**(old.paths if old else {}), **new.paths}
        told = tuple(_told(change, new, paths) for change in changes.resources.values())
        about_rights, about_networks = self._access(old, new)
        outside = tuple(self._others(old, new))
        if told or about_rights or about_networks or outside or old is None:
            action = Action.ADD if old is None else Action.UPDATE
            broadenings = (*about_rights, *about_networks)
            self.stacks.append(StackChange(new.name, new.environment, action, told, broadenings, outside))
        self.findings += failures.of_resources(comparison, changes.resources)
        for change in told:
            self.findings += _about(change)
            self.findings += taken_back(change)
        self.findings += _grouped("broaden-iam", about_rights)
        self.findings += _grouped("open-network", about_networks)
        if old is not None and old.protected and not new.protected:
            said = f"stack {words.code(new.name)}: no longer protected from deletion"
            self.findings.append(Finding("weaken-protection", Severity.WARNING, new.name, "", said))

    def _gone(self, old: Stack) -> None:
        """CDK deploys what is in the app, and leaves alone what is not."""
        stores = sum(resource.stateful for resource in Comparison(None, old).changes.resources.values())
        self.stacks.append(StackChange(old.name, old.environment, Action.REMOVE))
        said = f"stack {words.code(old.name)} leaves the app: it stays deployed, with {_counted(stores)}"
        advice = "when nobody needs it any more, delete it by hand: the base still knows it, `cdk destroy` there"
        self.findings.append(Finding("stack-removed", Severity.WARNING, old.name, "", said, advice))

    def _elsewhere(self, old: Stack, new: Stack) -> None:
        """CloudFormation knows a stack by its account and region too."""
        stores = sum(resource.stateful for resource in Comparison(None, old).changes.resources.values())
        rule, severity = ("replace-stateful", Severity.DANGER) if stores else ("stack-removed", Severity.WARNING)
        said = (
            f"stack {words.code(old.name)} moves from {old.account}/{old.region} to {new.account}/{new.region}: a new, "
            f"empty one is made there, and the old one stays deployed, with {_counted(stores)}"
        )
        advice = "copy the data over, and delete the old stack by hand when nobody needs it any more"
        self.findings.append(Finding(rule, severity, new.name, "", said, advice))

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
        before, other = others(old.template), others(new.template)
        for difference in differences(before, other):
            if (
                len(difference.path) > 1
                and difference.path[0] == "Outputs"
                and difference.path[1].startswith(_AUTOMATIC)
            ):
                self.noise["exports between stacks"] += 1
            else:
                behaviour = UpdateBehaviour.NOTHING
                yield PropertyChange(dotted(difference.path), difference.before, difference.after, behaviour)


def _moved(finding: Finding, stacks: Iterable[StackChange], before: Assembly, after: Assembly) -> Finding:
    """A store that is deleted here and new in another stack, told as what it is."""
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
            advice = f"stack {name} has it newly, and empty: `cdk refactor` moves it with its data"
            return replace(finding, advice=advice)
    return finding


def _told(change: ResourceChange, stack: Stack, paths: Mapping[str, str]) -> ResourceChange:
    """A change with its words."""
    said = words.sentence(_by_constructs(change, paths))
    if change.type != "AWS::ECS::TaskDefinition" or not change.replaced:
        return replace(change, words=f"{words.noun(change.path)}: {said}")
    users = [
        logical_id
        for logical_id, resource in stack.resources.items()
        if resource["Type"] == "AWS::ECS::Service" and change.logical_id in references(resource)
    ]
    if not users:
        return replace(
            change, words=f"{words.noun(change.path)}: {said.removesuffix('tasks restart')}from its next run"
        )
    return replace(change, words=f"{words.noun(stack.path(users[0]))}: {said}")


def _by_constructs(change: ResourceChange, paths: Mapping[str, str]) -> ResourceChange:
    """A change whose values refer to constructs, not to logical ids."""
    properties = (
        replace(
            property_change, before=renamed(property_change.before, paths), after=renamed(property_change.after, paths)
        )
        for property_change in change.properties
    )
    return replace(change, properties=tuple(properties))


def _about(change: ResourceChange) -> Iterator[Finding]:
    """What a change of one resource means to whoever has data in it."""
    rule, severity, advice = "", Severity.DANGER, ""
    if change.stateful and change.replaced:
        rule = "replace-stateful"
        advice = _ADVICE.get(change.fate, "")
        if change.action is Action.RENAME:
            advice = (
                f"keep the logical id (`override_logical_id({change.previous_id!r})`), or move it by `cdk refactor`"
            )
    elif change.stateful and change.action is Action.REMOVE:
        rule = "delete-stateful"
        severity = Severity.DANGER if change.fate is Fate.LOST else Severity.WARNING
    elif change.action is Action.UPDATE and change.behaviour is UpdateBehaviour.INTERRUPTION:
        rule, severity = "interrupt", Severity.NOTE
    if rule:
        yield Finding(rule, severity, change.stack, change.path, change.words, advice)


_ADVICE = {
    Fate.LOST: "back it up first; `keep_data: true` in the manifest would keep it",
    Fate.SNAPSHOT: "restore the snapshot into the new one, or do not change what replaces it",
    Fate.KEPT: "copy the data over, or do not change what replaces it",
}


def _grouped(rule: str, broadenings: Iterable[Broadening]) -> Iterator[Finding]:
    """One finding for each role, group or policy that may do more."""
    by_path: dict[str, list[Broadening]] = {}
    for it in broadenings:
        if it.direction is not Direction.NARROWS:
            by_path.setdefault(it.path, []).append(it)
    for path, found in by_path.items():
        found.sort(key=lambda broadening: broadening.reach is not Reach.PUBLIC)
        said = "; ".join(broadening.words for broadening in found[:_MOST])
        more = f"; {len(found) - _MOST} more below" if len(found) > _MOST else ""
        yield Finding(rule, Severity.WARNING, found[0].stack, path, f"{said}{more}")


def _counted(stores: int) -> str:
    return "1 store of data" if stores == 1 else f"{stores} stores of data"


def _noise(counted: Mapping[str, int]) -> Iterator[str]:
    for what, number in sorted(counted.items()):
        yield f"{number} {what}" if "::" not in what else f"hashes of {number} {what}"
