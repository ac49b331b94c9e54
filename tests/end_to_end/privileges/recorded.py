"""Records the failures without each statement, for `make privileges`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from policy.privileges import evidence
from policy.privileges.roles import Statement
from policy.privileges.table import statements


def recorded(tried: Collection[Statement]) -> Iterator[dict[Statement, str]]:
    """Yields a table to fill in. With SLIPWAY_RECORD it then replaces the recorded failures of the tried statements."""
    found: dict[Statement, str] = {}
    yield found
    if os.environ.get("SLIPWAY_RECORD"):
        evidence.record(found, tried, statements())
