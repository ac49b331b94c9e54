"""The findings of the gate's tools, and the acceptances that cover them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

ANY = "…"
"""The wildcard in an accepted rule: any text."""
SHORTEST_REASON = 40
"""The fewest characters of a reason; a shorter text does not explain enough."""


@dataclass(frozen=True, order=True)
class Finding:
    """A violation of one rule by one construct."""

    tool: str
    rule: str
    path: str
    """The construct path: `production/Data/Media/Resource`."""
    message: str
    """The problem and, if the tool knows it, the fix."""


@dataclass(frozen=True, order=True)
class Accepted:
    """Findings that are accepted for one construct and those below it."""

    path: str
    rules: tuple[str, ...]
    reason: str
    declared: str
    """The class or function that accepts them: `slipway.build.Build`."""
    wide: bool = False
    """True if the construct is a stack, a stage or the app."""

    def covers(self, finding: Finding) -> bool:
        """True if a finding is accepted."""
        return any(matches(rule, finding) for rule in self.rules) and self._contains(finding.path)

    def unused(self, findings: Iterable[Finding]) -> list[str]:
        """Returns the rules without a finding for the construct."""
        here = [finding for finding in findings if self._contains(finding.path)]
        return [rule for rule in self.rules if not any(matches(rule, finding) for finding in here)]

    def _contains(self, path: str) -> bool:
        return path == self.path or path.startswith(f"{self.path}/")


def matches(rule: str, finding: Finding) -> bool:
    """True if a rule, which may contain `…`, matches the rule of the finding."""
    return re.fullmatch(".+".join(re.escape(part) for part in rule.split(ANY)), finding.rule) is not None


@dataclass(frozen=True)
class Inspection:
    """The findings and acceptances of one product."""

    product: str
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()

    def refused(self) -> list[Finding]:
        """Returns the findings that are not accepted."""
        return sorted(
            finding for finding in self.findings if not any(acceptance.covers(finding) for acceptance in self.accepted)
        )

    def wrong(self) -> Iterator[str]:
        """Yields the problems of the acceptances, as sentences."""
        for acceptance in sorted(self.accepted):
            where = f"{acceptance.declared} accepts at {acceptance.path}"
            if acceptance.wide:
                yield f"{where}, a whole stack or more: accept it for the construct that causes it"
            if len(acceptance.reason) < SHORTEST_REASON:
                yield f"{where} for '{acceptance.reason}': write a sentence that explains why"
            for rule in acceptance.unused(self.findings):
                yield f"{where} a rule without findings, {rule}: remove it"


@dataclass(frozen=True)
class Risk:
    """One reason in the code, with all rules and constructs that it covers."""

    declared: str
    reason: str
    rules: tuple[str, ...]
    constructs: tuple[str, ...]
    findings: int


@dataclass
class _RiskParts:
    rules: set[str] = field(default_factory=set)
    constructs: set[str] = field(default_factory=set)
    findings: set[Finding] = field(default_factory=set)


def risks(inspections: Iterable[Inspection]) -> list[Risk]:
    """Returns each accepted risk once, with its constructs in all products."""
    found: dict[tuple[str, str], _RiskParts] = {}
    for inspection in inspections:
        for acceptance in inspection.accepted:
            parts = found.setdefault((acceptance.declared, acceptance.reason), _RiskParts())
            parts.rules |= {_general(rule) for rule in acceptance.rules}
            parts.constructs.add(f"{inspection.product}: {acceptance.path}")
            parts.findings |= {finding for finding in inspection.findings if acceptance.covers(finding)}
    return [
        Risk(declared, reason, tuple(sorted(risk.rules)), tuple(sorted(risk.constructs)), len(risk.findings))
        for (declared, reason), risk in sorted(found.items())
    ]


def _general(rule: str) -> str:
    """Returns a rule without the resource of its finding."""
    return re.sub(r"\[Resource::.*\]$", "", rule)
