"""Execution modes: they decide when a run may enter a stage, waits for it, or is superseded.

docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

from __future__ import annotations

from dataclasses import dataclass, field

SUPERSEDED = "SUPERSEDED"
QUEUED = "QUEUED"
PARALLEL = "PARALLEL"

#: Maximum number of concurrent runs of a pipeline. AWS has such a limit too; this number is the local cloud's.
CONCURRENT = 50


@dataclass
class Gate:
    """The entrance of a stage: the lock of the stage, and the runs that wait for it, in order of arrival."""

    holders: set[str] = field(default_factory=set)
    waiting: list[tuple[int, str]] = field(default_factory=list)
    """Number and id of each run."""

    def arrive(self, mode: str, number: int, execution: str) -> list[str]:
        """Adds a waiting run. Returns the runs that it supersedes: in SUPERSEDED mode, older ones that still wait."""
        self.waiting.append((number, execution))
        if mode != SUPERSEDED:
            return []
        return [other for older, other in self.waiting if older < number]

    def may_enter(self, mode: str, execution: str, *, enabled: bool) -> bool:
        """True if a waiting run may enter the stage now."""
        if not enabled:
            return False
        if mode == PARALLEL:
            return True
        return not self.holders and bool(self.waiting) and self.waiting[0][1] == execution

    def enter(self, execution: str) -> None:
        """Lets a run enter and lock the stage."""
        self.give_up(execution)
        self.holders.add(execution)

    def give_up(self, execution: str) -> None:
        """Removes a waiting run."""
        self.waiting = [(number, other) for number, other in self.waiting if other != execution]

    def leave(self, execution: str) -> None:
        """Unlocks the stage."""
        self.holders.discard(execution)
