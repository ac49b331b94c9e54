"""The timing of a run: each action on the run's clock, and the critical path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """An action of a run, as far as timing depends on it."""

    @property
    def category(self) -> str:
        """CodePipeline's category: an Approval waits for a person."""


Kind = TypeVar("Kind", bound=Timed)
Spell = tuple[Kind, datetime, float]
"""An action, when its newest attempt began, and how many seconds that took."""


@dataclass(frozen=True)
class Bar(Generic[Kind]):
    """One action on the run's clock, which is paused while the run waits for an approval."""

    action: Kind
    offset: float
    seconds: float
    critical: bool
    """True if a faster action would have made the run shorter."""

    @property
    def waits(self) -> bool:
        """True if the action is an approval, so that its time is a person's."""
        return self.action.category == "Approval"

    @property
    def drawn(self) -> float:
        """The action's seconds on the clock: none for an approval."""
        return 0.0 if self.waits else self.seconds


@dataclass(frozen=True)
class Timing(Generic[Kind]):
    """A run's time, in seconds."""

    total: float
    bars: tuple[Bar[Kind], ...]

    @property
    def waited(self) -> float:
        """The seconds that approvals waited for people."""
        return sum(bar.seconds for bar in self.bars if bar.critical and bar.waits)

    @property
    def axis(self) -> float:
        """The end of the clock."""
        return max(self.total - self.waited, *(bar.offset + bar.drawn for bar in self.bars), 0.001)

    @property
    def path(self) -> tuple[Bar[Kind], ...]:
        """The critical path: of actions that ran in parallel, the longest. Approvals are left out."""
        return tuple(bar for bar in self.bars if bar.critical and not bar.waits)

    @property
    def critical(self) -> float:
        """The seconds of the critical path."""
        return sum(bar.seconds for bar in self.path)

    @property
    def sequential(self) -> float:
        """The seconds that all actions would take in sequence; approvals are left out."""
        return sum(bar.seconds for bar in self.bars if not bar.waits)

    @property
    def slowest(self) -> Bar[Kind] | None:
        """The longest action of the critical path."""
        return max(self.path, key=lambda bar: bar.seconds, default=None)

    @property
    def between(self) -> float:
        """The seconds between actions: CodePipeline's own time, waiting to enter a stage, and earlier attempts."""
        return max(self.total - self.critical - self.waited, 0.0)


def timing(rows: Iterable[Sequence[Spell[Kind]]], *, began: datetime, total: float) -> Timing[Kind]:
    """Returns the timing of a run; the actions of a row ran in parallel, the rows in sequence."""
    bars: list[Bar[Kind]] = []
    people = 0.0
    for row in rows:
        longest = max(range(len(row)), key=lambda index: row[index][2], default=-1)
        for index, (action, started, seconds) in enumerate(row):
            offset = (started - began).total_seconds() - people
            bars.append(Bar(action, max(offset, 0.0), seconds, index == longest))
        people += sum(bar.seconds for bar in bars[len(bars) - len(row) :] if bar.critical and bar.waits)
    return Timing(total, tuple(bars))
