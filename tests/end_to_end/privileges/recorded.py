"""What failed without a statement, kept where `make privileges` asks for that."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from policy.privileges import evidence
from policy.privileges.roles import Statement
from policy.privileges.table import shipped_roles


def recorded(tried: Collection[Statement]) -> Iterator[dict[Statement, str]]:
    """A table to fill in; at its end it takes the place of what was known of the statements that were tried."""
    found: dict[Statement, str] = {}
    yield found
    if os.environ.get("SLIPWAY_RECORD"):
        evidence.record(found, tried, shipped_roles().statements())
