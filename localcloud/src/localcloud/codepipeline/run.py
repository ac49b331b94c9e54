"""A run in progress: its data, and the flags that end it. engine.py takes it through its stages."""

from __future__ import annotations

from localcloud.codepipeline import model, variables
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.model import ActionExecution, Execution
from localcloud.codepipeline.roles import Identity
from localcloud.codepipeline.store import Pipeline, Store


class Ended(Exception):  # noqa: N818 - reads as what happened
    """The run has ended, with this status."""

    def __init__(self, status: str, summary: str = "", *, rollback: bool = False) -> None:
        super().__init__(summary)
        self.status, self.rollback = status, rollback


class StageFailed(Exception):  # noqa: N818 - reads as what happened
    """At least one action of the stage failed."""


class Run:
    """A run in progress. To end it, hold `Store.changed`, set one of the flags, and notify."""

    def __init__(self, store: Store, pipeline: Pipeline, execution: Execution) -> None:
        self.store, self.pipeline, self.execution = store, pipeline, execution
        self.stopping = False
        self.abandoned = False
        self.superseded = False
        self.cancelled = False
        self.overridden: set[tuple[str, str]] = set()
        """Conditions (stage, type) that OverrideStageCondition has overridden."""

    def ending(self) -> bool:
        """True if the run must not start anything more."""
        return self.stopping or self.abandoned or self.superseded or self.cancelled

    def must_leave(self) -> bool:
        """True if the run must not wait for the actions that it has started."""
        return self.abandoned or self.cancelled

    def check(self) -> None:
        """Checks the flags.

        Raises:
            Ended: if one of them is set.
        """
        if self.cancelled:
            raise Ended(model.CANCELLED, "The pipeline was changed during the run")
        if self.superseded:
            raise Ended(model.SUPERSEDED, "A newer run replaced it")
        if self.stopping or self.abandoned:
            raise Ended(model.STOPPED, self.execution.stop_reason)

    def save(self) -> None:
        """Stores the changed run."""
        self.store.save(self.pipeline, self.execution)

    def scope(self) -> dict[str, dict[str, str]]:
        """Returns every variable of the run, by namespace."""
        execution = self.execution
        implicit = {"PipelineExecutionId": execution.id}
        return {**execution.outputs, variables.PIPELINE: execution.variables, variables.IMPLICIT: implicit}

    def work(self, attempt: ActionExecution, seconds: float) -> Work:
        """Returns the context of an action or a rule, which acts as the role of the attempt."""
        identity = Identity(self.execution.declaration["roleArn"], attempt.role, self.pipeline.arn)
        return Work(self.store, self.pipeline, self.execution, attempt, identity, seconds, self.must_leave)


#: The runs in progress, by id.
RUNS: dict[str, Run] = {}
