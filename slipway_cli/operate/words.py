"""Formats durations, runs and untrusted text for a terminal."""

from __future__ import annotations

from datetime import datetime

from slipway_cli.operate import clock
from slipway_cli.runs import Run
from slipway_cli.texts import plain

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def shortened(text: object, length: int) -> str:
    """Returns a text as one line, cut to a length."""
    line = plain(text)
    return line if len(line) <= length else f"{line[: length - 1]}…"


def seconds(count: float) -> str:
    """Returns a duration, e.g. `12 min`."""
    count = max(count, 0)
    if count < _MINUTE:
        return f"{count:.0f} s"
    if count < _HOUR:
        return f"{count / _MINUTE:.0f} min"
    if count < _DAY:
        return f"{count // _HOUR:.0f} h {count % _HOUR // _MINUTE:.0f} min"
    return f"{count // _DAY:.0f} d {count % _DAY // _HOUR:.0f} h"


def since(when: datetime) -> str:
    """Returns the time since a moment."""
    return seconds((clock.now() - when).total_seconds())


def title(run: Run) -> str:
    """Returns what a person calls a run: its release, commit or id."""
    return run.tag or run.version or run.commit[:7] or run.entry.id[:8] or "unnamed"


def about(run: Run) -> str:
    """Returns where a run comes from: branch or pull request, first line of the commit's message, author."""
    request = run.fact("PullRequestId")
    where = f"pull request {request}" if request else run.fact("SourceBranchName", "BranchName")
    parts = (where, run.message, f"by {run.author}" if run.author else "")
    return ", ".join(shortened(part, 80) for part in parts if part)
