"""The clock, in one place, so that tests can control it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Returns the current time."""
    return datetime.now(UTC)


def pause(seconds: float) -> None:
    """Wait for some seconds."""
    time.sleep(seconds)
