"""Starting, stopping, repeating and taking back runs.

docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from localcloud.codepipeline import conditions, engine, events, model
from localcloud.codepipeline.errors import ServiceError, no_execution, no_stage
from localcloud.codepipeline.model import Execution
from localcloud.codepipeline.run import RUNS, Run
from localcloud.codepipeline.state import STORE
from localcloud.codepipeline.store import Pipeline

Request = Mapping[str, Any]
Sources = dict[str, dict[str, str]]

_ENDED_BADLY = {model.FAILED, model.STOPPED}


def find(pipeline: Pipeline, identifier: str) -> Execution:
    """A run of a pipeline."""
    execution = pipeline.execution(identifier)
    if execution is None:
        raise no_execution(pipeline.name, identifier)
    return execution


def has_stage(pipeline: Pipeline, stage: str) -> None:
    """Refuse a stage that the pipeline does not have."""
    if stage not in {one["name"] for one in pipeline.declaration["stages"]}:
        raise no_stage(pipeline.name, stage)


def start(
    pipeline: Pipeline,
    trigger: dict[str, str],
    *,
    variables: Mapping[str, str] | None = None,
    sources: Sources | None = None,
    event: Mapping[str, str] | None = None,
) -> Execution:
    """Start a run: `sources` are the commits it is of, by source action, where they are not the branches' newest."""
    with STORE.changed:
        _room(pipeline)
        declaration = pipeline.declaration
        values = {one["name"]: one.get("defaultValue") for one in declaration.get("variables") or []}
        values.update(variables or {})
        unset = sorted(name for name, value in values.items() if value is None)
        if unset:
            raise ServiceError("ValidationException", f"These variables have no default value: {', '.join(unset)}")
        execution = _new(pipeline, trigger)
        execution.variables = {name: str(value) for name, value in values.items()}
        execution.sources, execution.event = sources or {}, dict(event or {})
        _go(pipeline, execution, "STARTED")
    return execution


def start_if_possible(pipeline: Pipeline, trigger: dict[str, str]) -> None:
    """Start the first run of a new pipeline, unless a variable needs a value that nobody gave."""
    with suppress(ServiceError):
        start(pipeline, trigger)


def _room(pipeline: Pipeline) -> None:
    if not engine.concurrent(pipeline):
        said = f"The pipeline '{pipeline.name}' has reached the limit for concurrent pipeline executions"
        raise ServiceError("ConcurrentPipelineExecutionsLimitExceededException", said)


def _new(pipeline: Pipeline, trigger: dict[str, str]) -> Execution:
    declaration = pipeline.declaration
    return Execution(
        pipeline.name,
        declaration["version"],
        declaration,
        trigger,
        number=max((one.number for one in pipeline.executions), default=0) + 1,
        mode=declaration["executionMode"],
    )


def _go(pipeline: Pipeline, execution: Execution, event: str, **more: Any) -> Run:
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
    """Stop a run: wait for its actions, or abandon them. Who waits can still abandon."""
    abandon = bool(request.get("abandon"))
    with STORE.changed:
        execution = find(pipeline, request["pipelineExecutionId"])
        run = RUNS.get(execution.id)
        if run is None or not execution.active:
            said = f"The execution {execution.id} is {execution.status}: only one in progress can be stopped"
            raise ServiceError("PipelineExecutionNotStoppableException", said)
        if run.abandoned or (run.stopping and not abandon):
            said = f"The execution {execution.id} has been asked to stop already"
            raise ServiceError("DuplicatedStopRequestException", said)
        first = not run.stopping
        execution.status, execution.stop_reason = model.STOPPING, str(request.get("reason") or "")
        run.stopping, run.abandoned = True, abandon
        STORE.save(pipeline, execution)
    if first:
        events.run(pipeline, execution, "STOPPING")
    return execution


def cancel(pipeline: Pipeline) -> None:
    """End every run of a pipeline that was changed or deleted."""
    with STORE.changed:
        for execution in pipeline.executions:
            if execution.id in RUNS:
                RUNS[execution.id].cancelled = True
        STORE.changed.notify_all()


# --- retry -----------------------------------------------------------------------------------------------------------


def retry(pipeline: Pipeline, request: Request) -> Execution:
    """Do a failed or stopped stage again, and go on from there."""
    name, mode = request["stageName"], request["retryMode"]
    with STORE.changed:
        has_stage(pipeline, name)
        execution = find(pipeline, request["pipelineExecutionId"])
        _retryable(pipeline, execution, name)
        entered = execution.stages[name]
        entered.manual_retries += 1
        entered.retried_by = "ManualStageRetry"
        _resume(pipeline, execution, name, retry=mode)
    return execution


def _retryable(pipeline: Pipeline, execution: Execution, name: str) -> None:
    entered = execution.stages.get(name)

    def refuse(why: str) -> ServiceError:
        return ServiceError("StageNotRetryableException", f"Stage '{name}' cannot be retried: {why}")

    if execution.version != pipeline.declaration["version"]:
        raise refuse("the pipeline has changed since the execution started")
    if execution.active or entered is None or entered.status not in _ENDED_BADLY:
        raise refuse(f"it has not failed in execution {execution.id}")
    if execution.kind == model.ROLLBACK:
        raise refuse("the execution is a rollback")
    if not any(one.stage == name for one in execution.actions) and model.BEFORE_ENTRY not in entered.conditions:
        raise refuse("no action of it has run")
    latest = pipeline.latest(name)
    if execution.mode != "PARALLEL" and latest is not None and latest.id != execution.id:
        said = f"Execution {execution.id} is not the latest one of stage '{name}': that is {latest.id}"
        raise ServiceError("NotLatestPipelineExecutionException", said)


def _resume(pipeline: Pipeline, execution: Execution, stage: str, **more: Any) -> Run:
    _room(pipeline)
    execution.status, execution.summary, execution.stop_reason = model.IN_PROGRESS, "", ""
    execution.attempt += 1
    return _go(pipeline, execution, "RESUMED", first=stage, **more)


# --- conditions ------------------------------------------------------------------------------------------------------


def override(pipeline: Pipeline, request: Request) -> None:
    """Pass over a condition that is being checked or has failed; a failed run goes on."""
    name, moment = request["stageName"], request["conditionType"]
    with STORE.changed:
        has_stage(pipeline, name)
        execution = find(pipeline, request["pipelineExecutionId"])
        condition = conditions.declared(pipeline.declaration["stages"][_index(pipeline, name)], moment)
        _overridable(pipeline, execution, request, condition)
        run = RUNS.get(execution.id)
        if run is not None:
            run.overridden.add((name, moment))
            STORE.changed.notify_all()
            return
        _resume(pipeline, execution, name, retry="FAILED_ACTIONS").overridden.add((name, moment))


def _index(pipeline: Pipeline, stage: str) -> int:
    return [one["name"] for one in pipeline.declaration["stages"]].index(stage)


def _overridable(pipeline: Pipeline, execution: Execution, request: Request, condition: Any) -> None:
    name, moment = request["stageName"], request["conditionType"]
    state = execution.stages[name].conditions.get(moment) if name in execution.stages else None
    latest = pipeline.latest(name)
    if latest is not None and latest.id != execution.id and execution.mode != "PARALLEL":
        said = f"Execution {execution.id} is not the latest one of stage '{name}': that is {latest.id}"
        raise ServiceError("NotLatestPipelineExecutionException", said)
    why = ""
    if condition is None:
        why = "the stage has no such condition"
    elif condition.get("result") == "SKIP":
        why = "a condition that skips the stage cannot be overridden"
    elif state is None or state.status not in {model.IN_PROGRESS, model.FAILED}:
        why = "it is neither being checked nor failed"
    if why:
        said = f"The condition {moment} of stage '{name}' cannot be overridden: {why}"
        raise ServiceError("ConditionNotOverridableException", said)


# --- rollback --------------------------------------------------------------------------------------------------------


def rollback(pipeline: Pipeline, request: Request, user: str) -> Execution:
    """Do a stage again with the artifacts and variables of an execution that succeeded in it."""
    name = request["stageName"]
    with STORE.changed:
        has_stage(pipeline, name)
        target = find(pipeline, request["targetPipelineExecutionId"])
        _can_go_back(pipeline, name, target)
        trigger = {"triggerType": "ManualRollback", "triggerDetail": user}
        return _go_back(pipeline, name, target, trigger)


def _can_go_back(pipeline: Pipeline, name: str, target: Execution) -> None:
    why = ""
    entered = target.stages.get(name)
    if pipeline.declaration["executionMode"] == "PARALLEL":
        why = "a pipeline in PARALLEL mode has no stage rollback"
    elif _index(pipeline, name) == 0:
        why = "a source stage cannot be rolled back"
    elif target.kind == model.ROLLBACK:
        why = f"execution {target.id} is itself a rollback"
    elif entered is None or entered.status != model.SUCCEEDED:
        why = f"execution {target.id} did not succeed in it"
    elif pipeline.gate(name).holders:
        why = "an execution is in it"
    if why:
        raise ServiceError("UnableToRollbackStageException", f"Stage '{name}' cannot be rolled back: {why}")
    if target.version != pipeline.declaration["version"]:
        said = f"Execution {target.id} started in another version of the pipeline's structure"
        raise ServiceError("PipelineExecutionOutdatedException", said)


def _go_back(pipeline: Pipeline, name: str, target: Execution, trigger: dict[str, str]) -> Execution:
    execution = _new(pipeline, trigger)
    execution.kind, execution.rollback_target = model.ROLLBACK, target.id
    execution.variables, execution.outputs = dict(target.variables), dict(target.outputs)
    execution.artifacts, execution.revisions = dict(target.artifacts), dict(target.revisions)
    execution.sources, execution.event = dict(target.sources), dict(target.event)
    _go(pipeline, execution, "STARTED", first=name, only=True)
    return execution


def _automatic_rollback(pipeline: Pipeline, failed: Execution, name: str) -> None:
    """Go back to the newest execution that succeeded in the stage; without one the failure stands."""
    with STORE.changed:
        good = [
            one
            for one in pipeline.executions
            if one.kind == model.STANDARD
            and one.id != failed.id
            and one.version == pipeline.declaration["version"]
            and name in one.stages
            and one.stages[name].status == model.SUCCEEDED
        ]
        if not good or failed.kind == model.ROLLBACK:
            return
        target = max(good, key=lambda one: one.stages[name].entered)
        _go_back(pipeline, name, target, {"triggerType": "AutomatedRollback", "triggerDetail": failed.id})
