"""What a resource uses of something that has a price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from slipway_cli.review.cost.template import Resource


@dataclass(frozen=True)
class Use:
    """So many units of a price, a month."""

    what: str
    """As a reader would say it."""
    price: str
    """Name in prices.yaml."""
    quantity: Decimal
    unit: str
    assumed: str = ""
    """What was assumed to come to the quantity; empty where the template states it all."""
    note: str = ""

    @property
    def how_much(self) -> str:
        """The quantity with its unit: `1 metric`, `1,460 hours`."""
        unit = self.unit.removesuffix("s") if self.quantity == 1 else self.unit
        return f"{self.quantity.normalize():,f} {unit}"


class UnknownUseError(Exception):
    """A resource whose use the template does not state; `str()` says what is missing."""


Pricer = Callable[[Resource], Iterator[Use]]


def counted(number: Decimal, noun: str) -> str:
    """So many of something: `1 task`, `2 tasks`."""
    return f"{number.normalize():f} {noun}{'' if number == 1 else 's'}"
