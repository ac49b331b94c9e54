"""Takes a run through the stages of its pipeline, one after the other, in a thread of its own.

docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

from __future__ import annotations

import contextvars
import logging
import threading
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
    """Drives a run: through every stage, or from `first` on; with `only`, through that stage alone.

    `retry` says how much of the first stage is done again: `ALL_ACTIONS` or `FAILED_ACTIONS`.
    """

    def __init__(self, run: Run, *, rollback: Rollback, first: str = "", only: bool = False, retry: str = "") -> None:
        self.run = run
        self.store, self.pipeline, self.execution = run.store, run.pipeline, run.execution
        self._rollback, self._retry = rollback, retry
        names = [stage["name"] for stage in run.execution.declaration["stages"]]
        start = names.index(first) if first else 0
        self._names = names[start : start + 1] if only else names[start:]

    def start(self) -> None:
        """Begin, in the account and region of the caller."""
        name = f"localcloud-pipeline-{self.execution.id[:8]}"
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._drive,), name=name, daemon=True).start()

    def _drive(self) -> None:
        try:
            for name in self._names:
                self._pass(self.execution.stage(name))
            self._end(model.SUCCEEDED, "")
        except Ended as ended:
            self._end(ended.status, str(ended))
        except Exception as error:
            logger.exception("run %s of %s broke", self.execution.id, self.pipeline.name)
            with self.store.changed:
                fail(self.execution, f"The local cloud's CodePipeline broke: {type(error).__name__}: {error}")
                self._end(model.FAILED, self.execution.summary)

    def _end(self, status: str, summary: str) -> None:
        with self.store.changed:
            self.execution.status, self.execution.summary = status, summary
            RUNS.pop(self.execution.id, None)
            for gate in self.pipeline.gates.values():  # also when it broke: nobody may wait for a run that is over
                gate.give_up(self.execution.id)
                gate.leave(self.execution.id)
            self.run.save()
        events.run(self.pipeline, self.execution, _EVENTS[status])

    # --- a stage -----------------------------------------------------------------------------------------------------

    def _pass(self, stage: Declaration) -> None:
        self._enter(stage["name"])
        entered = self.execution.stages[stage["name"]]
        try:
            status, ended = self._within(stage, entered), None
        except Ended as error:
            status, ended = error.status, error
        self._leave(entered, status)
        if ended is not None:
            if ended.rollback:
                self._rollback(self.pipeline, self.execution, stage["name"])
            raise ended

    def _enter(self, name: str) -> None:
        """Wait for the stage and lock it."""
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
            self._begin(name)
        again = execution.stages[name].attempt > 1
        events.stage(self.pipeline, execution, execution.stages[name], "RESUMED" if again else "STARTED")

    def _begin(self, name: str) -> None:
        known = self.execution.stages.get(name)
        if known is None:
            self.execution.stages[name] = StageExecution(name)
        else:
            fresh = StageExecution(name)
            known.status, known.entered, known.attempt = model.IN_PROGRESS, fresh.entered, known.attempt + 1
        self.run.save()

    def _leave(self, entered: StageExecution, status: str) -> None:
        with self.store.changed:
            entered.status = status
            self.pipeline.gate(entered.name).leave(self.execution.id)
            self.run.save()
        if status in _STAGE_EVENTS:
            events.stage(self.pipeline, self.execution, entered, _EVENTS[status])

    def _within(self, stage: Declaration, entered: StageExecution) -> str:
        retry, self._retry = self._retry, ""
        while True:
            try:
                if self._entry_failed(stage, retry):
                    return model.SKIPPED
                StageActions(self.run, stage).perform(retry)
                self._success(stage)
            except StageFailed as failure:
                self._end_conditions(entered)
                retry = self._failed(stage, entered, failure)
            else:
                return model.SUCCEEDED

    def _entry_failed(self, stage: Declaration, retry: str) -> bool:
        """Check the entry; answers whether the stage is skipped."""
        if retry == "FAILED_ACTIONS" and any(one.stage == stage["name"] for one in self.execution.actions):
            return False  # it was let in before
        failed = Conditions(self.run, stage).check(model.BEFORE_ENTRY)
        if failed is None:
            return False
        if failed.result == "SKIP":
            return True
        raise Ended(model.FAILED, f"The entry condition of {stage['name']} failed: {failed.why}")

    def _success(self, stage: Declaration) -> None:
        failed = Conditions(self.run, stage).check(model.ON_SUCCESS)
        if failed is not None:
            said = f"The success condition of {stage['name']} failed: {failed.why}"
            raise Ended(model.FAILED, said, rollback=failed.result == "ROLLBACK")

    def _end_conditions(self, entered: StageExecution) -> None:
        entered.conditions.pop(model.ON_SUCCESS, None)

    def _failed(self, stage: Declaration, entered: StageExecution, failure: StageFailed) -> str:
        """What follows a failure: answers how to try again, or raises the end."""
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


def concurrent(pipeline: Pipeline) -> bool:
    """Whether the pipeline has room for another run."""
    return sum(one.active for one in pipeline.executions) < modes.CONCURRENT
