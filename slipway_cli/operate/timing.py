"""Where a run's time went: the chain of actions that made it as long as it was, beside the same actions in a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from slipway_cli.operate.runs import Run, Step
from slipway_cli.operate.words import seconds

_NAMED = 3


@dataclass(frozen=True)
class Spent:
    """The time of an ended run, in seconds."""

    total: float
    people: float
    """What approvals waited."""
    path: tuple[Step, ...]
    """Action after action; of those side by side the longest. Without approvals."""
    sequential: float
    """All actions, one after the other. Without approvals."""

    @property
    def critical(self) -> float:
        """The seconds of the path."""
        return sum(map(length, self.path))

    def told(self) -> tuple[str, ...]:
        """At most two lines: where the time went, and what it would be in sequence."""
        waited = f", {self.people:.0f} s of them a person's" if self.people else ""
        took = f"It took {seconds(self.total)} ({self.total:.0f} s{waited})."
        if not self.path:
            return (took,)
        longest = sorted(self.path, key=length, reverse=True)[:_NAMED]
        between = max(self.total - self.people - self.critical, 0)
        sums = f"{self.critical:.0f} s of actions and {between:.0f} s between them"
        return (
            f"{took} Longest: {', '.join(f'{step.name} {length(step):.0f} s' for step in longest)}.",
            f"Its path is {sums}; its actions one after the other are {self.sequential:.0f} s.",
        )


def length(step: Step) -> float:
    """Seconds of an action."""
    return max((step.updated - step.started).total_seconds(), 0.0)


def spent(run: Run) -> Spent:
    """The time of a run; of an action tried again its newest attempt counts."""
    people, path = 0.0, list[Step]()
    for row in _rows(run):
        longest = max(row, key=length)
        if longest.category == "Approval":
            people += length(longest)
        else:
            path.append(longest)
    worked = sum(length(step) for step in run.steps if step.category != "Approval")
    return Spent(_between(run), people, tuple(path), worked)


def _between(run: Run) -> float:
    """From the first action to the last: GetPipelineExecution, by which one run is asked for, tells no times."""
    if not run.steps:
        return (run.entry.updated - run.entry.started).total_seconds()
    return (max(step.updated for step in run.steps) - min(step.started for step in run.steps)).total_seconds()


def _rows(run: Run) -> Iterator[list[Step]]:
    """The actions of each stage that ran side by side: of those, the next began before the longest had ended."""
    for _, steps in groupby(run.steps, key=lambda step: step.stage):
        row: list[Step] = []
        for step in steps:
            if row and step.started >= max(each.updated for each in row):
                yield row
                row = []
            row.append(step)
        yield row
