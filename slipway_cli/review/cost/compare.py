"""Compares two estimates, resource by resource."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from slipway_cli.review.cost.estimate import CENT, Estimate, Line


@dataclass(frozen=True)
class CostChange:
    """One resource whose monthly cost changes. `before` or `after` is empty if it does not exist there."""

    environment: str
    stack: str
    path: str
    before: str
    """Its first cost line before the change: `web: 2 tasks of 0.5 vCPU, 1 GB (arm64)`."""
    after: str
    was: Decimal
    now: Decimal

    @property
    def more(self) -> Decimal:
        """Returns the difference in US dollars per month, negative if it becomes cheaper."""
        return self.now - self.was

    @property
    def words(self) -> str:
        """Returns the change in words: `2 tasks … → 3 tasks …`, `new: load balancer`, `removed: NAT gateway`."""
        if not self.before or not self.after:
            return f"{'new' if self.after else 'removed'}: {self.after or self.before}"
        return self.after if self.before == self.after else f"{self.before} → {self.after}"


def changes(before: Estimate, after: Estimate) -> list[CostChange]:
    """Returns the changes of a cent or more, the largest first."""
    was, now = _by_resource(before), _by_resource(after)
    found = [
        CostChange(
            *place,
            before=_description(was.get(place)),
            after=_description(now.get(place)),
            was=_sum(was.get(place)),
            now=_sum(now.get(place)),
        )
        for place in {**was, **now}
    ]
    return sorted(
        (change for change in found if abs(change.more) >= CENT),
        key=lambda change: (-abs(change.more), change.stack, change.path),
    )


def environments(before: Estimate, after: Estimate) -> list[str]:
    """Returns the environments of both estimates, in order."""
    return list(dict.fromkeys([*after.environments, *before.environments]))


_Place = tuple[str, str, str]


def _by_resource(estimate: Estimate) -> dict[_Place, list[Line]]:
    found: dict[_Place, list[Line]] = {}
    for line in estimate.lines:
        found.setdefault((line.environment, line.stack, line.path), []).append(line)
    return found


def _description(lines: list[Line] | None) -> str:
    return lines[0].use.what if lines else ""


def _sum(lines: list[Line] | None) -> Decimal:
    return sum((line.amount for line in lines or []), Decimal(0))
