"""Execution modes: who may enter a stage, who waits before it, who is superseded there.

docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

from __future__ import annotations

from dataclasses import dataclass, field

SUPERSEDED = "SUPERSEDED"
QUEUED = "QUEUED"
PARALLEL = "PARALLEL"

#: AWS limits the runs of a pipeline that are under way at a time; the number is ours.
CONCURRENT = 50


@dataclass
class Gate:
    """The entrance of one stage: a lock, and the runs waiting before it in the order they came."""

    holders: set[str] = field(default_factory=set)
    waiting: list[tuple[int, str]] = field(default_factory=list)
    """(number of the run, id)"""

    def arrive(self, mode: str, number: int, execution: str) -> list[str]:
        """Wait here; answers the runs that are superseded by that: older ones that wait, in SUPERSEDED mode."""
        self.waiting.append((number, execution))
        if mode != SUPERSEDED:
            return []
        return [other for older, other in self.waiting if older < number]

    def may_enter(self, mode: str, execution: str, *, enabled: bool) -> bool:
        """Whether a waiting run may go in now."""
        if not enabled:
            return False
        if mode == PARALLEL:
            return True
        return not self.holders and bool(self.waiting) and self.waiting[0][1] == execution

    def enter(self, execution: str) -> None:
        """Go in and lock the stage."""
        self.give_up(execution)
        self.holders.add(execution)

    def give_up(self, execution: str) -> None:
        """Wait no longer."""
        self.waiting = [(number, other) for number, other in self.waiting if other != execution]

    def leave(self, execution: str) -> None:
        """Unlock the stage."""
        self.holders.discard(execution)
