"""What the gate's tools found, what is accepted of it, and what that leaves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

ANY = "…"
"""In a rule that is accepted: any text."""
SHORTEST_REASON = 40
"""Characters: less is a label, not a reason."""


@dataclass(frozen=True, order=True)
class Finding:
    """One rule that one construct breaks."""

    tool: str
    rule: str
    path: str
    """The construct's: `production/Data/Media/Resource`."""
    message: str
    """What is wrong, and where the tool knows it, what to write instead."""


@dataclass(frozen=True, order=True)
class Accepted:
    """Findings that are accepted at one construct and below it."""

    path: str
    rules: tuple[str, ...]
    reason: str
    declared: str
    """The class or function that says so: `slipway.build.Build`."""
    wide: bool = False
    """Whether it stands on a stack, a stage or the app."""

    def covers(self, finding: Finding) -> bool:
        """Whether it accepts a finding."""
        return any(matches(rule, finding) for rule in self.rules) and self._holds(finding.path)

    def unused(self, findings: Iterable[Finding]) -> list[str]:
        """The rules that no finding at its construct breaks any more."""
        here = [finding for finding in findings if self._holds(finding.path)]
        return [rule for rule in self.rules if not any(matches(rule, finding) for finding in here)]

    def _holds(self, path: str) -> bool:
        return path == self.path or path.startswith(f"{self.path}/")


def matches(rule: str, finding: Finding) -> bool:
    """Whether a rule, perhaps with `…` in it, is the finding's."""
    return re.fullmatch(".+".join(re.escape(part) for part in rule.split(ANY)), finding.rule) is not None


@dataclass(frozen=True)
class Inspection:
    """One product, as the tools see it."""

    product: str
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()

    def refused(self) -> list[Finding]:
        """What nobody accepted."""
        return sorted(
            finding for finding in self.findings if not any(acceptance.covers(finding) for acceptance in self.accepted)
        )

    def wrong(self) -> Iterator[str]:
        """What is wrong with what is accepted, in sentences."""
        for acceptance in sorted(self.accepted):
            where = f"{acceptance.declared} accepts at {acceptance.path}"
            if acceptance.wide:
                yield f"{where}, a whole stack or more: accept it at the construct that causes it"
            if len(acceptance.reason) < SHORTEST_REASON:
                yield f"{where} for '{acceptance.reason}': write a sentence that a stranger understands"
            for rule in acceptance.unused(self.findings):
                yield f"{where} what is not found any more, {rule}: take it out"


@dataclass(frozen=True)
class Risk:
    """One reason, as it stands in the code, with everything that it covers."""

    declared: str
    reason: str
    rules: tuple[str, ...]
    constructs: tuple[str, ...]
    findings: int


@dataclass
class _Gathered:
    rules: set[str] = field(default_factory=set)
    constructs: set[str] = field(default_factory=set)
    findings: set[Finding] = field(default_factory=set)


def risks(inspections: Iterable[Inspection]) -> list[Risk]:
    """Every accepted risk once, however many constructs of however many products it stands on."""
    found: dict[tuple[str, str], _Gathered] = {}
    for inspection in inspections:
        for acceptance in inspection.accepted:
            gathered = found.setdefault((acceptance.declared, acceptance.reason), _Gathered())
            gathered.rules |= {_general(rule) for rule in acceptance.rules}
            gathered.constructs.add(f"{inspection.product}: {acceptance.path}")
            gathered.findings |= {finding for finding in inspection.findings if acceptance.covers(finding)}
    return [
        Risk(declared, reason, tuple(sorted(risk.rules)), tuple(sorted(risk.constructs)), len(risk.findings))
        for (declared, reason), risk in sorted(found.items())
    ]


def _general(rule: str) -> str:
    """A rule without the resource that it was found at."""
    return re.sub(r"\[Resource::.*\]$", "", rule)
