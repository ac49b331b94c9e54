"""Reads prices.yaml, the dated price table, which has a source for each price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("prices.yaml")
EVERYWHERE = "everywhere"
_UNVERIFIED = "unverified"


@dataclass(frozen=True)
class Source:
    """The page that states a price, with its content and the date it was read."""

    page: str
    states: str
    read: date


@dataclass(frozen=True)
class Price:
    """The price of one unit, in US dollars."""

    name: str
    amount: Decimal
    source: Source
    verified: bool
    """True if a public page confirms the price."""


class PriceTable:
    """Prices by name and region."""

    def __init__(self, *, checked: date, prices: dict[str, dict[str, Price]]) -> None:
        self.checked = checked
        self._prices = prices

    def find(self, name: str, region: str) -> Price | None:
        """Returns the price of that name in a region; None if the table has none."""
        regions = self._prices.get(name, {})
        return regions.get(region) or regions.get(EVERYWHERE)

    def regions(self) -> tuple[str, ...]:
        """Returns the regions that have prices of their own."""
        return tuple(sorted({region for regions in self._prices.values() for region in regions} - {EVERYWHERE}))

    def all(self) -> list[tuple[str, Price]]:
        """Returns each price with its region."""
        return [(region, price) for regions in self._prices.values() for region, price in regions.items()]


def parse(data: dict[str, Any]) -> PriceTable:
    """Returns the price table of the content of prices.yaml."""
    sources = {key: Source(**source) for key, source in data["sources"].items()}
    prices = {
        name: {
            region: Price(name, Decimal(str(amount)), sources[source], source != _UNVERIFIED)
            for region, (amount, source) in regions.items()
        }
        for name, regions in data["prices"].items()
    }
    return PriceTable(checked=data["checked"], prices=prices)


@cache
def table() -> PriceTable:
    """Returns the committed price table."""
    return parse(yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader))
