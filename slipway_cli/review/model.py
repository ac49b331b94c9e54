"""The data model of a report, from which Markdown and HTML are rendered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum


class UpdateBehaviour(IntEnum):
    """The effect of an update on the existing resource, the most severe last."""

    NOTHING = 0
    """Only CloudFormation's own state changes, e.g. a removal policy."""
    NO_INTERRUPTION = 1
    INTERRUPTION = 2
    MAY_REPLACE = 3
    """Schema and values do not decide it; treat it as a replacement."""
    REPLACEMENT = 4

    @property
    def words(self) -> str:
        """Returns the behaviour in words."""
        return _BEHAVIOUR_WORDS[self]


_BEHAVIOUR_WORDS = {
    UpdateBehaviour.NOTHING: "the resource does not change",
    UpdateBehaviour.NO_INTERRUPTION: "no interruption",
    UpdateBehaviour.INTERRUPTION: "some interruption",
    UpdateBehaviour.MAY_REPLACE: "may be replaced",
    UpdateBehaviour.REPLACEMENT: "replacement",
}


class Severity(IntEnum):
    """The severity of a finding; the report lists the most severe first."""

    NOTE = 0
    """Worth a look: a short interruption."""
    WARNING = 1
    """A permission grows, a network opens, or a protection is weakened."""
    DANGER = 2
    """Data is lost, or the deployment fails midway."""


class Action(Enum):
    """The change of a stack or resource between the two templates."""

    ADD = "added"
    REMOVE = "removed"
    UPDATE = "changed"
    RENAME = "renamed"
    """The logical id changes: CloudFormation creates a new resource and deletes the old one."""


class Fate(Enum):
    """The fate of the data in a resource that is removed or replaced."""

    NONE = "holds no data"
    KEPT = "kept outside the stack"
    SNAPSHOT = "kept as a snapshot"
    LOST = "lost"


class Direction(Enum):
    """The direction in which a permission or network path changes."""

    GROWS = "grows"
    NARROWS = "narrows"
    SHIFTS = "changes"
    """The templates do not show the direction, e.g. another permissions boundary."""


class Reach(Enum):
    """The kind of access that changes; reports print the value."""

    PERMISSION = "permission"
    """The permissions of a role."""
    TRUST = "trust"
    """The principals that may assume a role."""
    RESOURCE_POLICY = "resource policy"
    """The principals that may use a resource."""
    NETWORK = "network"
    PUBLIC = "public access"


@dataclass(frozen=True)
class PropertyChange:
    """One value that differs. `before` or `after` is None if the value is absent there."""

    path: str
    """`Cpu`, `ContainerDefinitions.web.Image`"""
    before: object
    after: object
    behaviour: UpdateBehaviour
    because: str = ""
    """The reason for the behaviour, if it is not the property itself: `subnets is replaced`."""
    follows: bool = False
    """True if the value in the template is unchanged, but the resource it refers to is replaced."""


@dataclass(frozen=True)
class ResourceChange:
    """The change of one resource."""

    stack: str
    path: str
    """The construct's path below its stack, `Web/Service`."""
    logical_id: str
    type: str
    action: Action
    behaviour: UpdateBehaviour
    properties: tuple[PropertyChange, ...] = ()
    stateful: bool = False
    fate: Fate = Fate.NONE
    """The fate of its data, if it is removed, renamed or replaced."""
    words: str = ""
    """The change in an operator's words: `web: CPU 512 → 1024, tasks restart`."""
    previous_id: str = ""
    """The old logical id of a renamed resource."""

    @property
    def follows(self) -> bool:
        """True if the resource only gets the new identifier of a replaced resource."""
        quiet = self.action is Action.UPDATE and self.behaviour is UpdateBehaviour.NO_INTERRUPTION
        return quiet and all(property_change.follows for property_change in self.properties)

    @property
    def replaced(self) -> bool:
        """True if the resource is or may be replaced by another one."""
        updated = self.action is Action.UPDATE and self.behaviour >= UpdateBehaviour.MAY_REPLACE
        return updated or self.action is Action.RENAME


@dataclass(frozen=True)
class Broadening:
    """One permission or network path that is added, removed, widened or narrowed."""

    stack: str
    path: str
    logical_id: str
    reach: Reach
    direction: Direction
    words: str
    """The permission as one line of Markdown."""


@dataclass(frozen=True)
class Finding:
    """A change that a reviewer must see first. A manifest may forbid its rule."""

    rule: str
    """`replace-stateful`, `delete-stateful`, `broaden-iam`, …: slipway_cli/review/rules.py lists them."""
    severity: Severity
    stack: str
    path: str
    words: str
    advice: str = ""
    """The advice: an alternative, or a step before the deployment."""


@dataclass(frozen=True)
class StackChange:
    """The change of one stack."""

    name: str
    """The CloudFormation name: `production-allthrive-data`."""
    environment: str
    """`production`, `staging`, … or `tooling`."""
    action: Action
    resources: tuple[ResourceChange, ...] = ()
    broadenings: tuple[Broadening, ...] = ()
    others: tuple[PropertyChange, ...] = ()
    """Parameters, outputs, conditions: `Outputs.ClusterName`."""

    @property
    def replacements(self) -> Iterator[ResourceChange]:
        """Yields the resources that are or may be replaced."""
        return (change for change in self.resources if change.replaced)


@dataclass(frozen=True)
class Section:
    """An extra part of the report, such as costs, shown folded below the findings."""

    title: str
    markdown: str
    headline: str = ""
    """Its part of the report's headline: `production +$14.20/month`."""


@dataclass(frozen=True)
class Report:
    """The effects of a change."""

    product: str
    base: str
    """The base of the comparison: a branch, a commit, `the deployed stacks`."""
    stacks: tuple[StackChange, ...] = ()
    """The stacks that change, in deployment order."""
    findings: tuple[Finding, ...] = ()
    """The findings, sorted by rule, the most important first."""
    sections: tuple[Section, ...] = ()
    noise: tuple[str, ...] = field(default=())
    """The number of differences left out as noise: `12 exports between stacks`."""
    warnings: tuple[str, ...] = ()
    """Reasons why the comparison may be inaccurate."""

    @property
    def headline(self) -> str:
        """Returns the report in one line: `3 stacks change, nothing stateful is replaced, production +$14.20/month`."""
        changed = [
            stack for stack in self.stacks if stack.resources or stack.others or stack.action is not Action.UPDATE
        ]
        if not changed:
            return ", ".join(["nothing changes", *self._section_headlines])
        stacks = "1 stack changes" if len(changed) == 1 else f"{len(changed)} stacks change"
        return ", ".join([stacks, self._data_summary, *self._access_summary, *self._section_headlines])

    @property
    def _section_headlines(self) -> list[str]:
        return [section.headline for section in self.sections if section.headline]

    @property
    def _data_summary(self) -> str:
        gone = [
            change
            for stack in self.stacks
            for change in stack.resources
            if change.stateful and _is_replaced_or_removed(change)
        ]
        if not gone:
            return "nothing stateful is replaced"
        lost = sum(change.fate is Fate.LOST for change in gone)
        counted = f"{len(gone)} stateful {'resource is' if len(gone) == 1 else 'resources are'} replaced or deleted"
        return f"**{counted}{f', data of {lost} lost' if lost else ''}**"

    @property
    def _access_summary(self) -> list[str]:
        grows = [
            broadening
            for stack in self.stacks
            for broadening in stack.broadenings
            if broadening.direction is Direction.GROWS
        ]
        rights = sum(broadening.reach not in (Reach.NETWORK, Reach.PUBLIC) for broadening in grows)
        networks = len(grows) - rights
        parts = [f"**{rights} {'permission grows' if rights == 1 else 'permissions grow'}**"] if rights else []
        return parts + ([f"**{networks} {'network opens' if networks == 1 else 'networks open'}**"] if networks else [])


def _is_replaced_or_removed(change: ResourceChange) -> bool:
    return change.action is Action.REMOVE or change.replaced
