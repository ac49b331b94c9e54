"""Estimates the monthly cost of stacks: a line for each use of a resource, and a list of what has no price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from slipway_cli.review.assembly import Stack
from slipway_cli.review.cost.assumptions import Assumptions
from slipway_cli.review.cost.prices import Price, PriceTable, table
from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.types import PRICED, free
from slipway_cli.review.cost.use import UnknownUseError, Use

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    """One use of one resource, with its price."""

    environment: str
    stack: str
    path: str
    """The construct's path below its stack."""
    group: str
    use: Use
    price: Price

    @property
    def amount(self) -> Decimal:
        """Returns US dollars per month, not rounded."""
        return self.use.quantity * self.price.amount


@dataclass(frozen=True)
class Unpriced:
    """A resource, or a part of one, whose cost is not included, and why."""

    environment: str
    stack: str
    path: str
    kind: str
    why: str


@dataclass(frozen=True)
class Estimate:
    """The monthly cost of an assembly."""

    lines: tuple[Line, ...]
    unpriced: tuple[Unpriced, ...]
    assumptions: Assumptions
    environments: tuple[str, ...]

    def total(self, environment: str | None = None) -> Decimal:
        """Returns US dollars per month, of one environment or of all."""
        return sum((line.amount for line in self.lines if environment in (None, line.environment)), Decimal(0))

    def groups(self, environment: str) -> dict[str, Decimal]:
        """Returns US dollars per month of an environment by group, the most expensive first."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            if line.environment == environment:
                sums[line.group] = sums.get(line.group, Decimal(0)) + line.amount
        return dict(sorted(sums.items(), key=lambda group: -group[1]))

    def unverified(self) -> bool:
        """True if the estimate uses a price that no page confirms."""
        return any(not line.price.verified for line in self.lines)


def estimate(
    stacks: Iterable[Stack], *, prices: PriceTable | None = None, assume: Assumptions | None = None
) -> Estimate:
    """Returns the estimate of these stacks."""
    prices, assume = prices or table(), assume or Assumptions()
    stacks = list(stacks)
    lines: list[Line] = []
    unpriced: list[Unpriced] = []
    for stack in stacks:
        for logical_id, definition in stack.resources.items():
            for found in _priced(stack, Resource(logical_id, definition, stack.template, assume), prices):
                if isinstance(found, Line):
                    lines.append(found)
                else:
                    unpriced.append(found)
    environments = dict.fromkeys(stack.environment for stack in stacks)
    return Estimate(tuple(lines), tuple(unpriced), assume, tuple(environments))


def _priced(stack: Stack, resource: Resource, prices: PriceTable) -> Iterator[Line | Unpriced]:
    kind = resource.definition["Type"]
    priced = PRICED.get(kind)
    if priced is None:
        if free(kind) is None:
            yield Unpriced(
                stack.environment,
                stack.name,
                stack.path(resource.logical_id),
                kind,
                "this resource type has no pricing",
            )
        return
    try:
        for use in priced.pricer(resource):
            price = prices.find(use.price, stack.region)
            if price:
                yield Line(stack.environment, stack.name, stack.path(resource.logical_id), priced.group, use, price)
            else:
                why = f"{use.what}: no price '{use.price}' for {stack.region} in slipway_cli/review/cost/prices.yaml"
                yield Unpriced(stack.environment, stack.name, stack.path(resource.logical_id), kind, why)
    except UnknownUseError as error:
        yield Unpriced(stack.environment, stack.name, stack.path(resource.logical_id), kind, str(error))
