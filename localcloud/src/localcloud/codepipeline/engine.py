"""Takes a run through the stages of its pipeline, one after the other, on a thread of its own.

docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable

from localcloud.codepipeline import events, model, modes
from localcloud.codepipeline.conditions import Conditions
from localcloud.codepipeline.model import Declaration, Execution, StageExecution
from localcloud.codepipeline.run import RUNS, Ended, Run, StageFailed
from localcloud.codepipeline.steps import StageActions
from localcloud.codepipeline.store import Pipeline, fail

logger = logging.getLogger("localcloud")

_EVENTS = {
    model.SUCCEEDED: "SUCCEEDED",
    model.FAILED: "FAILED",
    model.STOPPED: "STOPPED",
    model.SUPERSEDED: "SUPERSEDED",
    model.CANCELLED: "CANCELED",
}
_STAGE_EVENTS = {model.SUCCEEDED, model.FAILED, model.STOPPED, model.CANCELLED}

Rollback = Callable[[Pipeline, Execution, str], None]


class Driver:
    """Takes a run through its stages, beginning with `first`; with `only`, through that stage alone.

    `retry` is the retry mode of the first stage: `ALL_ACTIONS` or `FAILED_ACTIONS`.
    """

    def __init__(self, run: Run, *, rollback: Rollback, first: str = "", only: bool = False, retry: str = "") -> None:
        self.run = run
        self.store, self.pipeline, self.execution = run.store, run.pipeline, run.execution
        self._rollback, self._retry = rollback, retry
        names = [stage["name"] for stage in run.execution.declaration["stages"]]
        start = names.index(first) if first else 0
        self._names = names[start : start + 1] if only else names[start:]

    def start(self) -> None:
        """Starts the thread, in the account and region of the caller."""
        name = f"localcloud-pipeline-{self.execution.id[:8]}"
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._drive,), name=name, daemon=True).start()

    def _drive(self) -> None:
        try:
            for name in self._names:
                self._run_stage(self.execution.stage(name))
            self._end(model.SUCCEEDED, "")
        except Ended as ended:
            self._end(ended.status, str(ended))
        except Exception as error:
            logger.exception("unexpected error in run %s of %s", self.execution.id, self.pipeline.name)
            with self.store.changed:
                fail(
                    self.execution,
                    f"Unexpected error in the local cloud's CodePipeline: {type(error).__name__}: {error}",
                )
                self._end(model.FAILED, self.execution.summary)

    def _end(self, status: str, summary: str) -> None:
        with self.store.changed:
            self.execution.status, self.execution.summary = status, summary
            RUNS.pop(self.execution.id, None)
            # Also after an unexpected error: an ended run must not block others.
            for gate in self.pipeline.gates.values():
                gate.give_up(self.execution.id)
                gate.leave(self.execution.id)
            self.run.save()
        events.run(self.pipeline, self.execution, _EVENTS[status])

    # --- a stage -----------------------------------------------------------------------------------------------------

    def _run_stage(self, stage: Declaration) -> None:
        self._enter(stage["name"])
        entered = self.execution.stages[stage["name"]]
        try:
            status, ended = self._perform(stage, entered), None
        except Ended as error:
            status, ended = error.status, error
        self._leave(entered, status)
        if ended is not None:
            if ended.rollback:
                self._rollback(self.pipeline, self.execution, stage["name"])
            raise ended

    def _enter(self, name: str) -> None:
        """Waits until the run may enter the stage, and locks the stage."""
        gate, execution = self.pipeline.gate(name), self.execution
        with self.store.changed:
            for older in gate.arrive(execution.mode, execution.number, execution.id):
                if older in RUNS:
                    RUNS[older].superseded = True
            self.store.changed.notify_all()

            def may_enter() -> bool:
                enabled = self.pipeline.transition(name).enabled
                return gate.may_enter(execution.mode, execution.id, enabled=enabled)

            self.store.changed.wait_for(lambda: self.run.ending() or may_enter())
            if self.run.ending():
                gate.give_up(execution.id)
                self.store.changed.notify_all()
                self.run.check()
            gate.enter(execution.id)
            self._record_entry(name)
        again = execution.stages[name].attempt > 1
        events.stage(self.pipeline, execution, execution.stages[name], "RESUMED" if again else "STARTED")

    def _record_entry(self, name: str) -> None:
        previous = self.execution.stages.get(name)
        if previous is None:
            self.execution.stages[name] = StageExecution(name)
        else:
            previous.status, previous.entered = model.IN_PROGRESS, time.time()
            previous.attempt += 1
        self.run.save()

    def _leave(self, entered: StageExecution, status: str) -> None:
        with self.store.changed:
            entered.status = status
            self.pipeline.gate(entered.name).leave(self.execution.id)
            self.run.save()
        if status in _STAGE_EVENTS:
            events.stage(self.pipeline, self.execution, entered, _EVENTS[status])

    def _perform(self, stage: Declaration, entered: StageExecution) -> str:
        """Performs a stage with its conditions and automatic retries, and returns its status."""
        retry, self._retry = self._retry, ""
        while True:
            try:
                if self._skips(stage, retry):
                    return model.SKIPPED
                StageActions(self.run, stage).perform(retry)
                self._check_success(stage)
            except StageFailed as failure:
                entered.conditions.pop(model.ON_SUCCESS, None)
                retry = self._handle_failure(stage, entered, failure)
            else:
                return model.SUCCEEDED

    def _skips(self, stage: Declaration, retry: str) -> bool:
        """Checks the entry condition. True if the stage must be skipped.

        Raises:
            Ended: if the condition fails the run.
        """
        if retry == "FAILED_ACTIONS" and any(attempt.stage == stage["name"] for attempt in self.execution.actions):
            return False  # the condition succeeded before the first attempt
        failed = Conditions(self.run, stage).check(model.BEFORE_ENTRY)
        if failed is None:
            return False
        if failed.result == "SKIP":
            return True
        raise Ended(model.FAILED, f"The entry condition of {stage['name']} failed: {failed.reason}")

    def _check_success(self, stage: Declaration) -> None:
        failed = Conditions(self.run, stage).check(model.ON_SUCCESS)
        if failed is not None:
            message = f"The success condition of {stage['name']} failed: {failed.reason}"
            raise Ended(model.FAILED, message, rollback=failed.result == "ROLLBACK")

    def _handle_failure(self, stage: Declaration, entered: StageExecution, failure: StageFailed) -> str:
        """Returns the retry mode if the stage is retried automatically.

        Raises:
            Ended: if it is not.
        """
        self.run.check()
        declared = stage.get("onFailure") or {}
        if declared.get("result") == "RETRY" and not entered.automatic_retries:
            with self.store.changed:
                entered.automatic_retries += 1
                entered.retried_by = "AutomatedStageRetry"
                entered.attempt += 1
                self.run.save()
            events.stage(self.pipeline, self.execution, entered, "RESUMED")
            mode = (declared.get("retryConfiguration") or {}).get("retryMode")
            return str(mode or "FAILED_ACTIONS")
        result = str(declared.get("result") or "")
        if declared.get("conditions"):
            failed = Conditions(self.run, stage).check(model.ON_FAILURE)
            result = failed.result if failed is not None else ""
        raise Ended(model.FAILED, str(failure), rollback=result == "ROLLBACK")


def can_start(pipeline: Pipeline) -> bool:
    """True if the pipeline has fewer runs in progress than the limit."""
    return sum(execution.active for execution in pipeline.executions) < modes.CONCURRENT
