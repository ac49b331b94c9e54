"""The dated table of prices, prices.yaml: each amount with the page it was read on."""

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
    """Where a price was read, what stands there, and when."""

    page: str
    states: str
    read: date


@dataclass(frozen=True)
class Price:
    """US dollars for one unit of something."""

    name: str
    amount: Decimal
    source: Source
    verified: bool
    """Whether a page that could be read states it."""


class PriceTable:
    """Prices by name and region."""

    def __init__(self, *, checked: date, prices: dict[str, dict[str, Price]]) -> None:
        self.checked = checked
        self._prices = prices

    def find(self, name: str, region: str) -> Price | None:
        """The price of that name in a region; None where the table has none."""
        regions = self._prices.get(name, {})
        return regions.get(region) or regions.get(EVERYWHERE)

    def regions(self) -> tuple[str, ...]:
        """The regions that have prices of their own."""
        return tuple(sorted({region for regions in self._prices.values() for region in regions} - {EVERYWHERE}))

    def all(self) -> list[tuple[str, Price]]:
        """Every price with its region."""
        return [(region, price) for regions in self._prices.values() for region, price in regions.items()]


def parse(data: dict[str, Any]) -> PriceTable:
    """The table as prices.yaml writes it."""
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
    """The committed table."""
    return parse(yaml.safe_load(FILE.read_text(encoding="utf-8")))
