"""Starts, stops, retries and rolls back runs, and overrides their conditions.

docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from localcloud.codepipeline import conditions, engine, events, model
from localcloud.codepipeline.errors import no_execution, no_stage
from localcloud.codepipeline.model import Execution
from localcloud.codepipeline.run import RUNS, Run
from localcloud.codepipeline.state import STORE
from localcloud.codepipeline.store import Pipeline
from localcloud.json_services import ServiceError

Request = Mapping[str, Any]
Sources = dict[str, dict[str, str]]

_RETRYABLE = {model.FAILED, model.STOPPED}


def find(pipeline: Pipeline, identifier: str) -> Execution:
    """Returns a run of a pipeline.

    Raises:
        ServiceError: if it does not exist.
    """
    execution = pipeline.execution(identifier)
    if execution is None:
        raise no_execution(pipeline.name, identifier)
    return execution


def require_stage(pipeline: Pipeline, name: str) -> None:
    """Raises `ServiceError` if the pipeline does not have the stage."""
    if name not in {stage["name"] for stage in pipeline.declaration["stages"]}:
        raise no_stage(pipeline.name, name)


def start(
    pipeline: Pipeline,
    trigger: dict[str, str],
    *,
    variables: Mapping[str, str] | None = None,
    sources: Sources | None = None,
    event: Mapping[str, str] | None = None,
) -> Execution:
    """Starts a run.

    `sources` contains the commits to use, by source action. Without one, the newest commit of the branch is used.

    Raises:
        ServiceError: if too many runs are in progress, or if a variable has no value.
    """
    with STORE.changed:
        _check_limit(pipeline)
        declaration = pipeline.declaration
        values = {variable["name"]: variable.get("defaultValue") for variable in declaration.get("variables") or []}
        values.update(variables or {})
        unset = sorted(name for name, value in values.items() if value is None)
        if unset:
            raise ServiceError("ValidationException", f"These variables have no default value: {', '.join(unset)}")
        execution = _new(pipeline, trigger)
        execution.variables = {name: str(value) for name, value in values.items()}
        execution.sources, execution.event = sources or {}, dict(event or {})
        _launch(pipeline, execution, "STARTED")
    return execution


def start_if_possible(pipeline: Pipeline, trigger: dict[str, str]) -> None:
    """Starts the first run of a new pipeline, unless a variable has no default value."""
    with suppress(ServiceError):
        start(pipeline, trigger)


def _check_limit(pipeline: Pipeline) -> None:
    if not engine.can_start(pipeline):
        message = f"The pipeline '{pipeline.name}' has reached the limit for concurrent pipeline executions"
        raise ServiceError("ConcurrentPipelineExecutionsLimitExceededException", message)


def _new(pipeline: Pipeline, trigger: dict[str, str]) -> Execution:
    declaration = pipeline.declaration
    return Execution(
        pipeline.name,
        declaration["version"],
        declaration,
        trigger,
        number=max((execution.number for execution in pipeline.executions), default=0) + 1,
        mode=declaration["executionMode"],
    )


def _launch(pipeline: Pipeline, execution: Execution, event: str, **more: Any) -> Run:
    if pipeline.execution(execution.id) is None:
        pipeline.executions.append(execution)
    run = Run(STORE, pipeline, execution)
    RUNS[execution.id] = run
    STORE.save(pipeline, execution)
    events.run(pipeline, execution, event)
    engine.Driver(run, rollback=_automatic_rollback, **more).start()
    return run


# --- stop ------------------------------------------------------------------------------------------------------------


def stop(pipeline: Pipeline, request: Request) -> Execution:
    """Stops a run: waits for its actions, or abandons them. A run that waits can still be abandoned later.

    Raises:
        ServiceError: if the run is not in progress, or is already being stopped in this way.
    """
    abandon = bool(request.get("abandon"))
    with STORE.changed:
        execution = find(pipeline, request["pipelineExecutionId"])
        run = RUNS.get(execution.id)
        if run is None or not execution.active:
            message = f"The execution {execution.id} is {execution.status}: only one in progress can be stopped"
            raise ServiceError("PipelineExecutionNotStoppableException", message)
        if run.abandoned or (run.stopping and not abandon):
            message = f"The execution {execution.id} is already being stopped"
            raise ServiceError("DuplicatedStopRequestException", message)
        first = not run.stopping
        execution.status, execution.stop_reason = model.STOPPING, str(request.get("reason") or "")
        run.stopping, run.abandoned = True, abandon
        STORE.save(pipeline, execution)
    if first:
        events.run(pipeline, execution, "STOPPING")
    return execution


def cancel(pipeline: Pipeline) -> None:
    """Cancels every run of a pipeline that was changed or deleted."""
    with STORE.changed:
        for execution in pipeline.executions:
            if execution.id in RUNS:
                RUNS[execution.id].cancelled = True
        STORE.changed.notify_all()


# --- retry -----------------------------------------------------------------------------------------------------------


def retry(pipeline: Pipeline, request: Request) -> Execution:
    """Retries a failed or stopped stage and continues the run from there.

    Raises:
        ServiceError: if the stage cannot be retried.
    """
    name, mode = request["stageName"], request["retryMode"]
    with STORE.changed:
        require_stage(pipeline, name)
        execution = find(pipeline, request["pipelineExecutionId"])
        _check_retryable(pipeline, execution, name)
        entered = execution.stages[name]
        entered.manual_retries += 1
        entered.retried_by = "ManualStageRetry"
        _resume(pipeline, execution, name, retry=mode)
    return execution


def _check_retryable(pipeline: Pipeline, execution: Execution, name: str) -> None:
    entered = execution.stages.get(name)

    def refuse(reason: str) -> ServiceError:
        return ServiceError("StageNotRetryableException", f"Stage '{name}' cannot be retried: {reason}")

    if execution.version != pipeline.declaration["version"]:
        raise refuse("the pipeline has changed since the execution started")
    if execution.active or entered is None or entered.status not in _RETRYABLE:
        raise refuse(f"it has not failed in execution {execution.id}")
    if execution.kind == model.ROLLBACK:
        raise refuse("the execution is a rollback")
    if not any(attempt.stage == name for attempt in execution.actions) and model.BEFORE_ENTRY not in entered.conditions:
        raise refuse("none of its actions has run")
    latest = pipeline.latest(name)
    if execution.mode != "PARALLEL" and latest is not None and latest.id != execution.id:
        message = f"Execution {execution.id} is not the latest one of stage '{name}': that is {latest.id}"
        raise ServiceError("NotLatestPipelineExecutionException", message)


def _resume(pipeline: Pipeline, execution: Execution, stage: str, **more: Any) -> Run:
    _check_limit(pipeline)
    execution.status, execution.summary, execution.stop_reason = model.IN_PROGRESS, "", ""
    execution.attempt += 1
    return _launch(pipeline, execution, "RESUMED", first=stage, **more)


# --- conditions ------------------------------------------------------------------------------------------------------


def override(pipeline: Pipeline, request: Request) -> None:
    """Overrides a condition that is being checked or has failed. A failed run continues.

    Raises:
        ServiceError: if the condition cannot be overridden.
    """
    name, moment = request["stageName"], request["conditionType"]
    with STORE.changed:
        require_stage(pipeline, name)
        execution = find(pipeline, request["pipelineExecutionId"])
        condition = conditions.declared(pipeline.declaration["stages"][_index(pipeline, name)], moment)
        _check_overridable(pipeline, execution, request, condition)
        run = RUNS.get(execution.id)
        if run is not None:
            run.overridden.add((name, moment))
            STORE.changed.notify_all()
            return
        _resume(pipeline, execution, name, retry="FAILED_ACTIONS").overridden.add((name, moment))


def _index(pipeline: Pipeline, name: str) -> int:
    return [stage["name"] for stage in pipeline.declaration["stages"]].index(name)


def _check_overridable(pipeline: Pipeline, execution: Execution, request: Request, condition: Any) -> None:
    name, moment = request["stageName"], request["conditionType"]
    state = execution.stages[name].conditions.get(moment) if name in execution.stages else None
    latest = pipeline.latest(name)
    if latest is not None and latest.id != execution.id and execution.mode != "PARALLEL":
        message = f"Execution {execution.id} is not the latest one of stage '{name}': that is {latest.id}"
        raise ServiceError("NotLatestPipelineExecutionException", message)
    reason = ""
    if condition is None:
        reason = "the stage has no such condition"
    elif condition.get("result") == "SKIP":
        reason = "a condition that skips the stage cannot be overridden"
    elif state is None or state.status not in {model.IN_PROGRESS, model.FAILED}:
        reason = "it is not being checked and has not failed"
    if reason:
        message = f"The condition {moment} of stage '{name}' cannot be overridden: {reason}"
        raise ServiceError("ConditionNotOverridableException", message)


# --- rollback --------------------------------------------------------------------------------------------------------


def rollback(pipeline: Pipeline, request: Request, user: str) -> Execution:
    """Runs a stage again with the artifacts and variables of an execution that succeeded in it.

    Raises:
        ServiceError: if the stage cannot be rolled back to that execution.
    """
    name = request["stageName"]
    with STORE.changed:
        require_stage(pipeline, name)
        target = find(pipeline, request["targetPipelineExecutionId"])
        _check_rollback(pipeline, name, target)
        trigger = {"triggerType": "ManualRollback", "triggerDetail": user}
        return _start_rollback(pipeline, name, target, trigger)


def _check_rollback(pipeline: Pipeline, name: str, target: Execution) -> None:
    reason = ""
    entered = target.stages.get(name)
    if pipeline.declaration["executionMode"] == "PARALLEL":
        reason = "a pipeline in PARALLEL mode has no stage rollback"
    elif _index(pipeline, name) == 0:
        reason = "a source stage cannot be rolled back"
    elif target.kind == model.ROLLBACK:
        reason = f"execution {target.id} is itself a rollback"
    elif entered is None or entered.status != model.SUCCEEDED:
        reason = f"execution {target.id} did not succeed in it"
    elif pipeline.gate(name).holders:
        reason = "an execution is in progress in it"
    if reason:
        raise ServiceError("UnableToRollbackStageException", f"Stage '{name}' cannot be rolled back: {reason}")
    if target.version != pipeline.declaration["version"]:
        message = f"Execution {target.id} ran with another version of the pipeline's structure"
        raise ServiceError("PipelineExecutionOutdatedException", message)


def _start_rollback(pipeline: Pipeline, name: str, target: Execution, trigger: dict[str, str]) -> Execution:
    execution = _new(pipeline, trigger)
    execution.kind, execution.rollback_target = model.ROLLBACK, target.id
    execution.variables, execution.outputs = dict(target.variables), dict(target.outputs)
    execution.artifacts, execution.revisions = dict(target.artifacts), dict(target.revisions)
    execution.sources, execution.event = dict(target.sources), dict(target.event)
    _launch(pipeline, execution, "STARTED", first=name, only=True)
    return execution


def _automatic_rollback(pipeline: Pipeline, failed: Execution, name: str) -> None:
    """Rolls a stage back to the newest execution that succeeded in it. Without one, nothing happens."""
    with STORE.changed:
        candidates = [
            execution
            for execution in pipeline.executions
            if execution.kind == model.STANDARD
            and execution.id != failed.id
            and execution.version == pipeline.declaration["version"]
            and name in execution.stages
            and execution.stages[name].status == model.SUCCEEDED
        ]
        if not candidates or failed.kind == model.ROLLBACK:
            return
        target = max(candidates, key=lambda execution: execution.stages[name].entered)
        _start_rollback(pipeline, name, target, {"triggerType": "AutomatedRollback", "triggerDetail": failed.id})
