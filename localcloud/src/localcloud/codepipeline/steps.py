"""Performs the actions of a stage: in their run order, and those of the same order in parallel."""

from __future__ import annotations

import contextvars
import logging
import threading
from functools import partial

from localcloud.codepipeline import actions, artifacts, events, model, variables
from localcloud.codepipeline.actions.work import perform
from localcloud.codepipeline.errors import Abandoned, ActionError
from localcloud.codepipeline.model import ActionExecution, Declaration, Execution
from localcloud.codepipeline.run import Run, StageFailed
from localcloud.codepipeline.store import end

logger = logging.getLogger("localcloud")


class StageActions:
    """The actions of a stage in a run."""

    def __init__(self, run: Run, stage: Declaration) -> None:
        self._run, self._stage = run, stage

    def perform(self, retry: str) -> None:
        """Performs all actions of the stage; with `FAILED_ACTIONS`, only those that have not succeeded yet.

        Raises:
            Ended: if the run was stopped, superseded or cancelled in the meantime.
            StageFailed: if an action failed, after the actions in parallel have ended.
        """
        for order in sorted({action.get("runOrder", 1) for action in self._stage["actions"]}):
            todo = [action for action in self._stage["actions"] if action.get("runOrder", 1) == order]
            if retry == "FAILED_ACTIONS":
                todo = [action for action in todo if not self._succeeded(action["name"])]
            with self._run.store.changed:
                self._run.check()
            self._perform_in_parallel(todo)

    def _succeeded(self, action: str) -> bool:
        last = self._run.execution.last(self._stage["name"], action)
        return last is not None and last.status == model.SUCCEEDED

    def _need_not_wait(self, attempt: ActionExecution) -> bool:
        return attempt.status != model.IN_PROGRESS or self._run.must_leave()

    def _perform_in_parallel(self, todo: list[Declaration]) -> None:
        attempts = [self._new_attempt(action) for action in todo]
        for attempt in attempts:
            run_in_context = contextvars.copy_context().run
            name = f"localcloud-action-{attempt.id[:8]}"
            threading.Thread(
                target=run_in_context, args=(self._perform_and_record, attempt), name=name, daemon=True
            ).start()
        with self._run.store.changed:
            for attempt in attempts:
                self._run.store.changed.wait_for(partial(self._need_not_wait, attempt))
            abandoned = [attempt for attempt in attempts if attempt.status == model.IN_PROGRESS]
            for attempt in abandoned:
                end(attempt, model.ABANDONED)
            self._run.save()
        for attempt in abandoned:
            events.action(self._run.pipeline, self._run.execution, attempt, "ABANDONED")
        failed = [attempt for attempt in attempts if attempt.status == model.FAILED]
        self._run.check()
        if failed:
            raise StageFailed("; ".join(f"{attempt.action}: {attempt.error}" for attempt in failed))

    def _new_attempt(self, action: Declaration) -> ActionExecution:
        execution, home = self._run.execution, self._run.pipeline.place[1]
        attempt = ActionExecution(self._stage["name"], action["name"], action)
        attempt.role = action.get("roleArn") or execution.declaration["roleArn"]
        with self._run.store.changed:
            wanted = [given["name"] for given in action.get("inputArtifacts") or []]
            attempt.inputs = [execution.artifacts[name] for name in wanted if name in execution.artifacts]
            region = action.get("region") or home
            attempt.outputs = [
                artifacts.place(execution.declaration, region, output["name"])
                for output in action.get("outputArtifacts") or []
            ]
            execution.actions.append(attempt)
            self._run.save()
        return attempt

    def _perform_and_record(self, attempt: ActionExecution) -> None:
        try:
            output_variables, error = self._perform(attempt), None
        except Abandoned:
            return
        except ActionError as failure:
            output_variables, error = {}, failure
        except Exception as failure:
            logger.exception("unexpected error in action %s of %s", attempt.action, self._run.pipeline.name)
            message = f"Unexpected error of the local cloud in this action: {type(failure).__name__}: {failure}"
            output_variables, error = {}, ActionError(message)
        with self._run.store.changed:
            if attempt.status != model.IN_PROGRESS:
                return  # abandoned in the meantime: the result is too late
            if error is None:
                _record_outputs(self._run.execution, attempt, output_variables)
            end(attempt, model.FAILED if error else model.SUCCEEDED, str(error or ""), error.code if error else "")
            self._run.save()
        events.action(self._run.pipeline, self._run.execution, attempt, "FAILED" if error else "SUCCEEDED")

    def _perform(self, attempt: ActionExecution) -> dict[str, str]:
        events.action(self._run.pipeline, self._run.execution, attempt, "STARTED")
        declared = attempt.declaration
        kind = declared["actionTypeId"]["provider"]
        with self._run.store.changed:
            attempt.resolved = variables.configuration(declared.get("configuration") or {}, self._run.scope())
        missing = len(declared.get("inputArtifacts") or []) - len(attempt.inputs)
        if missing:
            raise ActionError(f"{missing} input artifacts were not created in this run", "RevisionUnavailable")
        seconds = actions.seconds(kind, declared.get("timeoutInMinutes"))
        owner = declared["actionTypeId"]["owner"]
        provider = actions.provider(kind if owner == "AWS" else f"{kind} (owner {owner})")
        return perform(self._run.work(attempt, seconds), provider)


def _record_outputs(execution: Execution, attempt: ActionExecution, output_variables: dict[str, str]) -> None:
    attempt.variables = {name: str(value) for name, value in output_variables.items()}
    space = attempt.declaration.get("namespace")
    if space:
        execution.outputs[space] = attempt.variables
    revision = next((artifact.revision for artifact in attempt.inputs if artifact.revision), "")
    for artifact in attempt.outputs:
        artifact.revision = artifact.revision or revision
        execution.artifacts[artifact.name] = artifact
