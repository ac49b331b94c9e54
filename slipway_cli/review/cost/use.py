"""The usage of a resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from slipway_cli.review.cost.template import Resource


@dataclass(frozen=True)
class Use:
    """A quantity of something priced that a resource uses per month."""

    what: str
    """The description for readers."""
    price: str
    """The name of the price in prices.yaml."""
    quantity: Decimal
    unit: str
    assumed: str = ""
    """The assumption behind the quantity; empty if the template states it completely."""
    note: str = ""

    @property
    def how_much(self) -> str:
        """Returns the quantity with its unit: `1 metric`, `1,460 hours`."""
        unit = self.unit.removesuffix("s") if self.quantity == 1 else self.unit
        return f"{self.quantity.normalize():,f} {unit}"


class UnknownUseError(Exception):
    """The template does not state the usage of a resource; the message says what is missing."""


Pricer = Callable[[Resource], Iterator[Use]]


def counted(number: Decimal, noun: str) -> str:
    """Returns a number with a noun: `1 task`, `2 tasks`."""
    return f"{number.normalize():f} {noun}{'' if number == 1 else 's'}"
