"""A run under way: what it works on, and the marks by which it is ended. engine.py takes it through its stages."""

from __future__ import annotations

from localcloud.codepipeline import model, variables
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.model import ActionExecution, Execution
from localcloud.codepipeline.roles import Identity
from localcloud.codepipeline.store import Pipeline, Store


class Ended(Exception):  # noqa: N818 - reads as what happened
    """The run is over, with this status."""

    def __init__(self, status: str, summary: str = "", *, rollback: bool = False) -> None:
        super().__init__(summary)
        self.status, self.rollback = status, rollback


class StageFailed(Exception):  # noqa: N818 - reads as what happened
    """Actions of the stage have failed."""


class Run:
    """A run under way. To end it, hold the store, set one of its marks, and notify the store."""

    def __init__(self, store: Store, pipeline: Pipeline, execution: Execution) -> None:
        self.store, self.pipeline, self.execution = store, pipeline, execution
        self.stopping = False
        self.abandoned = False
        self.superseded = False
        self.cancelled = False
        self.overridden: set[tuple[str, str]] = set()
        """Conditions (stage, type) that an operator overrode."""

    def ending(self) -> bool:
        """True if the run must begin nothing more."""
        return self.stopping or self.abandoned or self.superseded or self.cancelled

    def must_leave(self) -> bool:
        """True if the run must not wait for the actions it has begun."""
        return self.abandoned or self.cancelled

    def check(self) -> None:
        """Raise if a mark is set.

        Raises:
            Ended: with the status the run gets.
        """
        if self.cancelled:
            raise Ended(model.CANCELLED, "The pipeline was changed before the run could end")
        if self.superseded:
            raise Ended(model.SUPERSEDED, "A newer run took its place")
        if self.stopping or self.abandoned:
            raise Ended(model.STOPPED, self.execution.stop_reason)

    def save(self) -> None:
        """Write the run to disk."""
        self.store.save(self.pipeline, self.execution)

    def scope(self) -> dict[str, dict[str, str]]:
        """Returns every variable of the run, by namespace."""
        execution = self.execution
        implicit = {"PipelineExecutionId": execution.id}
        return {**execution.outputs, variables.PIPELINE: execution.variables, variables.IMPLICIT: implicit}

    def work(self, attempt: ActionExecution, seconds: float) -> Work:
        """Returns the work of an action or a rule, under the role of the attempt."""
        identity = Identity(self.execution.declaration["roleArn"], attempt.role, self.pipeline.arn)
        return Work(self.store, self.pipeline, self.execution, attempt, identity, seconds, self.must_leave)


#: Runs under way, by execution.
RUNS: dict[str, Run] = {}
