"""The actions of a stage: run order after run order, those of one order side by side."""

from __future__ import annotations

import contextvars
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from localcloud.codepipeline import actions, artifacts, events, model, variables
from localcloud.codepipeline.actions.work import Work, perform
from localcloud.codepipeline.errors import Abandoned, ActionError
from localcloud.codepipeline.model import ActionExecution, Declaration, Execution
from localcloud.codepipeline.roles import Identity
from localcloud.codepipeline.store import end

if TYPE_CHECKING:
    from localcloud.codepipeline.engine import Run

logger = logging.getLogger("localcloud")


class Ended(Exception):  # noqa: N818 - reads as what happened
    """The run is over, with this status."""

    def __init__(self, status: str, summary: str = "", *, rollback: bool = False) -> None:
        super().__init__(summary)
        self.status, self.rollback = status, rollback


class StageFailed(Exception):  # noqa: N818 - reads as what happened
    """Actions of the stage have failed."""


def scope(execution: Execution) -> dict[str, dict[str, str]]:
    """Every variable the run knows."""
    implicit = {"PipelineExecutionId": execution.id}
    return {**execution.outputs, variables.PIPELINE: execution.variables, variables.IMPLICIT: implicit}


def run_actions(run: Run, stage: Declaration, retry: str) -> None:
    """Do all actions of a stage; `FAILED_ACTIONS` leaves out those that succeeded before.

    Raises:
        Ended: when the run was stopped, superseded or cancelled meanwhile.
        StageFailed: when an action failed; its neighbours were waited for.
    """
    for order in sorted({action.get("runOrder", 1) for action in stage["actions"]}):
        todo = [action for action in stage["actions"] if action.get("runOrder", 1) == order]
        if retry == "FAILED_ACTIONS":
            todo = [action for action in todo if not _succeeded(run.execution, stage["name"], action["name"])]
        with run.store.changed:
            run.check()
        _side_by_side(run, stage["name"], todo)


def _succeeded(execution: Execution, stage: str, action: str) -> bool:
    last = execution.last(stage, action)
    return last is not None and last.status == model.SUCCEEDED


def _side_by_side(run: Run, stage: str, todo: list[Declaration]) -> None:
    attempts = [_begin(run, stage, action) for action in todo]
    for attempt in attempts:
        work = contextvars.copy_context().run
        name = f"localcloud-action-{attempt.id[:8]}"
        threading.Thread(target=work, args=(_do, run, attempt), name=name, daemon=True).start()
    with run.store.changed:
        for attempt in attempts:
            run.store.changed.wait_for(partial(_over, run, attempt))
        abandoned = [attempt for attempt in attempts if attempt.status == model.IN_PROGRESS]
        for attempt in abandoned:
            end(attempt, model.ABANDONED)
        run.store.save(run.pipeline, run.execution)
    for attempt in abandoned:
        events.action(run.pipeline, run.execution, attempt, "ABANDONED")
    failed = [attempt for attempt in attempts if attempt.status == model.FAILED]
    run.check()
    if failed:
        raise StageFailed("; ".join(f"{one.action}: {one.error}" for one in failed))


def _over(run: Run, attempt: ActionExecution) -> bool:
    return attempt.status != model.IN_PROGRESS or run.must_leave()


def _begin(run: Run, stage: str, action: Declaration) -> ActionExecution:
    execution, home = run.execution, run.pipeline.place[1]
    attempt = ActionExecution(stage, action["name"], action)
    attempt.role = action.get("roleArn") or execution.declaration["roleArn"]
    with run.store.changed:
        wanted = [given["name"] for given in action.get("inputArtifacts") or []]
        attempt.inputs = [execution.artifacts[name] for name in wanted if name in execution.artifacts]
        region = action.get("region") or home
        attempt.outputs = [
            artifacts.place(execution.declaration, region, made["name"]) for made in action.get("outputArtifacts") or []
        ]
        execution.actions.append(attempt)
        run.store.save(run.pipeline, execution)
    return attempt


def _do(run: Run, attempt: ActionExecution) -> None:
    try:
        found, error = _perform(run, attempt), None
    except Abandoned:
        return
    except ActionError as failure:
        found, error = {}, failure
    except Exception as failure:
        logger.exception("action %s of %s broke", attempt.action, run.pipeline.name)
        found, error = {}, ActionError(f"The local cloud broke in this action: {type(failure).__name__}: {failure}")
    with run.store.changed:
        if attempt.status != model.IN_PROGRESS:
            return  # abandoned meanwhile: what it found out comes too late
        if error is None:
            _keep(run.execution, attempt, found)
        end(attempt, model.FAILED if error else model.SUCCEEDED, str(error or ""), error.code if error else "")
        run.store.save(run.pipeline, run.execution)
    events.action(run.pipeline, run.execution, attempt, "FAILED" if error else "SUCCEEDED")


def _perform(run: Run, attempt: ActionExecution) -> dict[str, str]:
    events.action(run.pipeline, run.execution, attempt, "STARTED")
    declared = attempt.declaration
    kind = declared["actionTypeId"]["provider"]
    with run.store.changed:
        attempt.resolved = variables.configuration(declared.get("configuration") or {}, scope(run.execution))
    missing = len(declared.get("inputArtifacts") or []) - len(attempt.inputs)
    if missing:
        raise ActionError(f"{missing} input artifacts were not made in this run", "RevisionUnavailable")
    seconds = actions.seconds(kind, declared.get("timeoutInMinutes"))
    owner = declared["actionTypeId"]["owner"]
    provider = actions.provider(kind if owner == "AWS" else f"{kind} (owner {owner})")
    return perform(work(run, attempt, seconds), provider)


def work(run: Run, attempt: ActionExecution, seconds: float) -> Work:
    """What an action or a rule works with."""
    identity = Identity(run.execution.declaration["roleArn"], attempt.role, run.pipeline.arn)
    return Work(run.store, run.pipeline, run.execution, attempt, identity, seconds, run.must_leave)


def _keep(execution: Execution, attempt: ActionExecution, found: dict[str, str]) -> None:
    attempt.variables = {name: str(value) for name, value in found.items()}
    space = attempt.declaration.get("namespace")
    if space:
        execution.outputs[space] = attempt.variables
    revision = next((one.revision for one in attempt.inputs if one.revision), "")
    for artifact in attempt.outputs:
        artifact.revision = artifact.revision or revision
        execution.artifacts[artifact.name] = artifact
