"""Answers the health check of ECS for this container's Celery process: `python config/alive.py worker`, or `beat`.

A worker writes a file with each heartbeat, every two seconds; beat writes one with each look at its schedule, at the
latest every ten. If the file is old, the process hangs, although it runs. Nothing else is asked: a check that asked the
other workers, or Redis, would replace healthy containers.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

# Longer than a failover of the cache, during which a worker sends no heartbeat.
LONGEST_SECONDS = 120.0


def file(process: str) -> Path:
    """Returns the file whose age says whether the process of this container works."""
    return Path(tempfile.gettempdir()) / f"celery-{process}-alive"


def record(process: str) -> None:
    """Record that the process works now."""
    file(process).touch()


def problem(process: str, now: float) -> str | None:
    """Returns why the process does not work, or None."""
    try:
        age = now - file(process).stat().st_mtime
    except FileNotFoundError:
        return f"the {process} of this container has not started its work yet: there is no {file(process)}"
    if age > LONGEST_SECONDS:
        return f"the {process} of this container has done nothing for {age:.0f} seconds"
    return None


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1], time.time()))
