"""The timing of an ended run, as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from slipway_cli.operate.words import seconds
from slipway_cli.runs import BEGINNING, Attempt, Run
from slipway_cli.timing import Timing, timing

_NAMED = 3


def summary(spent: Timing[Attempt]) -> tuple[str, ...]:
    """Returns at most two lines: the longest actions, and the time that all actions take in sequence."""
    waited = f", {spent.waited:.0f} s of it waiting for approval" if spent.waited else ""
    took = f"It took {seconds(spent.total)} ({spent.total:.0f} s{waited})."
    if not spent.path:
        return (took,)
    longest = sorted(spent.path, key=lambda bar: bar.seconds, reverse=True)[:_NAMED]
    sums = f"{spent.critical:.0f} s of actions and {spent.between:.0f} s between them"
    return (
        f"{took} Longest: {', '.join(f'{bar.action.name} {bar.seconds:.0f} s' for bar in longest)}.",
        f"Its path is {sums}; its actions one after the other are {spent.sequential:.0f} s.",
    )


def spent(run: Run) -> Timing[Attempt]:
    """Returns the timing of a run; the newest attempt of an action counts."""
    rows = ([(step, step.started, step.seconds(step.updated)) for step in row] for row in _rows(run))
    began = min((step.started for step in run.steps), default=BEGINNING)
    return timing(rows, began=began, total=_between(run))


def record(pipeline: str, run: Run) -> str:
    """Returns the times of a run's actions as JSON, for the model of AWS times: bench/critical_path.py compares both.

    The newest attempt of an action counts. `began` is in seconds after the run's first action.
    """
    first = min((step.started for step in run.steps), default=BEGINNING)
    actions = [
        {
            "stage": step.stage,
            "action": step.action,
            "provider": step.provider,
            "status": step.status,
            "began": round((step.started - first).total_seconds(), 1),
            "seconds": round(step.seconds(step.updated), 1),
        }
        for step in run.steps
    ]
    whole = {"pipeline": pipeline, "run": run.entry.id, "status": run.entry.status, "seconds": round(_between(run), 1)}
    return json.dumps({**whole, "actions": actions}, indent=1) + "\n"


def _between(run: Run) -> float:
    """Returns the seconds from the first action to the last, since GetPipelineExecution has no times."""
    if not run.steps:
        return (run.entry.updated - run.entry.started).total_seconds()
    return (max(step.updated for step in run.steps) - min(step.started for step in run.steps)).total_seconds()


def _rows(run: Run) -> Iterator[list[Attempt]]:
    """Yields the actions of a stage that ran in parallel: each began before the longest of them had ended."""
    for _, steps in groupby(run.steps, key=lambda step: step.stage):
        row: list[Attempt] = []
        for step in steps:
            if row and step.started >= max(earlier.updated for earlier in row):
                yield row
                row = []
            row.append(step)
        yield row
