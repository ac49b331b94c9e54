"""Where a run's time went: each action on the run's clock, and the chain of actions that made it as long as it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from slipway_cli.console.model import Action, Run


@dataclass(frozen=True)
class Bar:
    """One action on the run's clock, which stands still while the run waits for a person."""

    action: Action
    offset: float
    seconds: float
    critical: bool
    """Whether a faster action would have made the run shorter."""

    @property
    def waits(self) -> bool:
        """Whether it is a person's time."""
        return self.action.category == "Approval"

    @property
    def drawn(self) -> float:
        """Its seconds on the clock."""
        return 0.0 if self.waits else self.seconds


@dataclass(frozen=True)
class Timing:
    """A run's time."""

    total: float
    bars: tuple[Bar, ...]

    @property
    def waited(self) -> float:
        """What approvals waited for people."""
        return sum(bar.seconds for bar in self.bars if bar.critical and bar.waits)

    @property
    def axis(self) -> float:
        """The end of the clock."""
        return max(self.total - self.waited, *(bar.offset + bar.drawn for bar in self.bars), 0.001)

    @property
    def critical(self) -> float:
        """Stage after stage, of actions side by side only the longest; people's time is left out."""
        return sum(bar.seconds for bar in self.bars if bar.critical and not bar.waits)

    @property
    def sequential(self) -> float:
        """The same actions, one after the other; people's time is left out."""
        return sum(bar.seconds for bar in self.bars if not bar.waits)

    @property
    def slowest(self) -> Bar | None:
        """The longest action of the critical path."""
        path = (bar for bar in self.bars if bar.critical and not bar.waits)
        return max(path, key=lambda bar: bar.seconds, default=None)

    @property
    def between(self) -> float:
        """What passed between actions: CodePipeline's own time, waiting before a stage, and earlier attempts."""
        return max(self.total - self.critical - self.waited, 0.0)


def timing(run: Run, now: datetime) -> Timing:
    """The time of a run; of an action tried again its newest attempt counts."""
    bars: list[Bar] = []
    people = 0.0
    for stage in run.stages:
        for row in stage.rows:
            begun = [(action, action.newest.seconds(now)) for action in row if action.newest]
            longest = max(begun, key=lambda pair: pair[1], default=None)
            for action, seconds in begun:
                offset = (action.attempts[-1].started - run.entry.started).total_seconds() - people
                critical = longest is not None and action is longest[0]
                bars.append(Bar(action, max(offset, 0.0), seconds, critical))
            people += sum(bar.seconds for bar in bars[-len(begun) :] if begun and bar.critical and bar.waits)
    return Timing(run.seconds(now), tuple(bars))
