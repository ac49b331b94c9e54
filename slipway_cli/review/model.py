"""A report about a change: frozen, plain data, which Markdown and HTML are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum


class UpdateBehaviour(IntEnum):
    """What CloudFormation does to the existing resource, the worst last."""

    NOTHING = 0
    """Only CloudFormation's own record changes, e.g. a removal policy."""
    NO_INTERRUPTION = 1
    INTERRUPTION = 2
    MAY_REPLACE = 3
    """Schema and values leave it open; read it as a replacement."""
    REPLACEMENT = 4

    @property
    def words(self) -> str:
        """As a person says it."""
        return _BEHAVIOUR_WORDS[self]


_BEHAVIOUR_WORDS = {
    UpdateBehaviour.NOTHING: "nothing happens to the resource",
    UpdateBehaviour.NO_INTERRUPTION: "no interruption",
    UpdateBehaviour.INTERRUPTION: "some interruption",
    UpdateBehaviour.MAY_REPLACE: "may be replaced",
    UpdateBehaviour.REPLACEMENT: "replacement",
}


class Severity(IntEnum):
    """How early in the report a finding stands."""

    NOTE = 0
    """Worth a look: something narrows, something is interrupted for a moment."""
    WARNING = 1
    """Somebody may do more than before, a network opens, a protection goes."""
    DANGER = 2
    """Data goes, or the deployment fails half-way."""


class Action(Enum):
    """What the template does with a resource."""

    ADD = "added"
    REMOVE = "removed"
    UPDATE = "changed"
    RENAME = "renamed"
    """Another logical id: CloudFormation creates a new one and deletes the old one."""


class Fate(Enum):
    """What becomes of the data in a resource that is removed or replaced."""

    NONE = "holds no data"
    KEPT = "kept outside the stack"
    SNAPSHOT = "kept as a snapshot"
    LOST = "lost"


class Direction(Enum):
    """Which way a permission or a network moves."""

    GROWS = "grows"
    NARROWS = "narrows"
    SHIFTS = "changes"
    """Cannot be told from the templates, e.g. a managed policy by another name."""


class Reach(Enum):
    """Whose reach a broadening is about; the value is the report's heading for it."""

    PERMISSION = "permission"
    """What a role of ours may do."""
    TRUST = "trust"
    """Who may become a role of ours."""
    RESOURCE_POLICY = "resource policy"
    """Who may use a resource of ours."""
    NETWORK = "network"
    PUBLIC = "public access"


@dataclass(frozen=True)
class PropertyChange:
    """One value that differs. `before` or `after` is None where there was or is no such value."""

    path: str
    """`Cpu`, `ContainerDefinitions.web.Image`"""
    before: object
    after: object
    behaviour: UpdateBehaviour
    because: str = ""
    """Why it behaves so, where the property alone does not say: `subnets is replaced`."""
    follows: bool = False
    """Whether the template says the same as before, and only what it refers to is replaced."""


@dataclass(frozen=True)
class ResourceChange:
    """What happens to one resource."""

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
    """Only of what is removed, renamed or replaced."""
    words: str = ""
    """The change as an operator says it: `web: CPU 512 → 1024, tasks restart`."""
    previous_id: str = ""
    """The old logical id of what was renamed."""

    @property
    def follows(self) -> bool:
        """Whether it only learns the new identifier of something that is replaced."""
        quiet = self.action is Action.UPDATE and self.behaviour is UpdateBehaviour.NO_INTERRUPTION
        return quiet and all(property_change.follows for property_change in self.properties)

    @property
    def replaced(self) -> bool:
        """Whether another resource takes its place, or may."""
        updated = self.action is Action.UPDATE and self.behaviour >= UpdateBehaviour.MAY_REPLACE
        return updated or self.action is Action.RENAME


@dataclass(frozen=True)
class Broadening:
    """One permission or network path that is new, gone, wider or narrower."""

    stack: str
    path: str
    logical_id: str
    reach: Reach
    direction: Direction
    words: str
    """Who may newly do what on what, on one line: Markdown may stand in it."""


@dataclass(frozen=True)
class Finding:
    """What a reviewer must know first. `rule` is what a manifest may forbid."""

    rule: str
    """`replace-stateful`, `delete-stateful`, `broaden-iam`, …: slipway_cli/review/rules.py lists them."""
    severity: Severity
    stack: str
    path: str
    words: str
    advice: str = ""
    """What to do instead, or to do first."""


@dataclass(frozen=True)
class StackChange:
    """What happens to one stack."""

    name: str
    """As CloudFormation calls it: `production-allthrive-data`."""
    environment: str
    """`production`, `staging`, … or `tooling`."""
    action: Action
    resources: tuple[ResourceChange, ...] = ()
    broadenings: tuple[Broadening, ...] = ()
    others: tuple[PropertyChange, ...] = ()
    """Parameters, outputs, conditions: `Outputs.ClusterName`."""

    @property
    def replacements(self) -> Iterator[ResourceChange]:
        """What gives way to another one, or may."""
        return (change for change in self.resources if change.replaced)


@dataclass(frozen=True)
class Section:
    """A part of the report that another module makes, such as costs: folded, below the findings."""

    title: str
    markdown: str
    headline: str = ""
    """What joins the report's first line: `production +$14.20/month`."""


@dataclass(frozen=True)
class Report:
    """What a change does, for a reader who has a minute."""

    product: str
    base: str
    """What it is compared with: a branch, a commit, `what is deployed`."""
    stacks: tuple[StackChange, ...] = ()
    """Only those that change, in the order in which they are deployed."""
    findings: tuple[Finding, ...] = ()
    """The gravest first."""
    sections: tuple[Section, ...] = ()
    noise: tuple[str, ...] = field(default=())
    """What was left out, for whom it interests: `12 exports between stacks`."""
    warnings: tuple[str, ...] = ()
    """Why the comparison may say too much or too little."""

    @property
    def headline(self) -> str:
        """The report in one line: `3 stacks change, nothing stateful is replaced, production +$14.20/month`."""
        changed = [
            stack for stack in self.stacks if stack.resources or stack.others or stack.action is not Action.UPDATE
        ]
        if not changed:
            return ", ".join(["nothing changes", *self._from_sections])
        stacks = "1 stack changes" if len(changed) == 1 else f"{len(changed)} stacks change"
        return ", ".join([stacks, self._about_data, *self._about_reach, *self._from_sections])

    @property
    def _from_sections(self) -> list[str]:
        return [section.headline for section in self.sections if section.headline]

    @property
    def _about_data(self) -> str:
        gone = [change for stack in self.stacks for change in stack.resources if change.stateful and _gives_way(change)]
        if not gone:
            return "nothing stateful is replaced"
        lost = sum(change.fate is Fate.LOST for change in gone)
        counted = f"{len(gone)} stateful {'resource is' if len(gone) == 1 else 'resources are'} replaced or deleted"
        return f"**{counted}{f', data of {lost} lost' if lost else ''}**"

    @property
    def _about_reach(self) -> list[str]:
        grows = [
            broadening
            for stack in self.stacks
            for broadening in stack.broadenings
            if broadening.direction is Direction.GROWS
        ]
        rights = sum(broadening.reach not in (Reach.NETWORK, Reach.PUBLIC) for broadening in grows)
        networks = len(grows) - rights
        said = [f"**{rights} {'permission grows' if rights == 1 else 'permissions grow'}**"] if rights else []
        return said + ([f"**{networks} {'network opens' if networks == 1 else 'networks open'}**"] if networks else [])


def _gives_way(change: ResourceChange) -> bool:
    return change.action is Action.REMOVE or change.replaced
