"""CodePipeline's API: operations on runs, approvals and jobs.

docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localcloud.codepipeline import declarations, entry, executions, model, structure, views
from localcloud.codepipeline.declarations import caller, place, require_pipeline
from localcloud.codepipeline.errors import no_action
from localcloud.codepipeline.executions import find, require_stage
from localcloud.codepipeline.model import Execution
from localcloud.codepipeline.run import RUNS
from localcloud.codepipeline.state import JOBS, STORE
from localcloud.codepipeline.store import Pipeline
from localcloud.json_services import JsonService, ServiceError

Request = Mapping[str, Any]
Answer = dict[str, Any]


# --- runs ------------------------------------------------------------------------------------------------------------


def _start(request: Request) -> Answer:
    with STORE.changed:
        pipeline = require_pipeline(request["name"])
        token = request.get("clientRequestToken")
        if token and token in pipeline.requests:
            return {"pipelineExecutionId": pipeline.requests[token]}
        given = {variable["name"]: variable["value"] for variable in request.get("variables") or []}
        declared = {variable["name"] for variable in pipeline.declaration.get("variables") or []}
        if set(given) - declared:
            unknown = ", ".join(sorted(set(given) - declared))
            raise ServiceError("ValidationException", f"The pipeline declares no variable {unknown}")
        trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": caller()}
        sources = _revisions(pipeline, request)
        execution = executions.start(pipeline, trigger, variables=given, sources=sources)
        if token:
            pipeline.requests[token] = execution.id
    return {"pipelineExecutionId": execution.id}


def _revisions(pipeline: Pipeline, request: Request) -> dict[str, dict[str, str]]:
    names = {action["name"] for action in pipeline.declaration["stages"][0]["actions"]}
    found: dict[str, dict[str, str]] = {}
    for revision in request.get("sourceRevisions") or []:
        if revision["actionName"] not in names:
            message = f"The pipeline has no source action named '{revision['actionName']}'"
            raise ServiceError("ValidationException", message)
        if revision["revisionType"] != "COMMIT_ID":
            message = f"The local cloud does not support the revision type {revision['revisionType']}; use COMMIT_ID"
            raise ServiceError("ValidationException", message)
        found[revision["actionName"]] = {"CommitId": revision["revisionValue"]}
    return found


def _stop(request: Request) -> Answer:
    return {"pipelineExecutionId": executions.stop(require_pipeline(request["pipelineName"]), request).id}


def _retry(request: Request) -> Answer:
    return {"pipelineExecutionId": executions.retry(require_pipeline(request["pipelineName"]), request).id}


def _rollback(request: Request) -> Answer:
    return {"pipelineExecutionId": executions.rollback(require_pipeline(request["pipelineName"]), request, caller()).id}


def _override(request: Request) -> Answer:
    executions.override(require_pipeline(request["pipelineName"]), request)
    return {}


def _execution(request: Request) -> Answer:
    with STORE.changed:
        found = find(require_pipeline(request["pipelineName"]), request["pipelineExecutionId"])
        return {"pipelineExecution": views.execution(found)}


def _executions(request: Request) -> Answer:
    with STORE.changed:
        pipeline = require_pipeline(request["pipelineName"])
        stage = ((request.get("filter") or {}).get("succeededInStage") or {}).get("stageName")
        rows = [
            views.summary(execution)
            for execution in reversed(pipeline.executions)
            if not stage or _succeeded(execution, stage)
        ]
    return views.page(rows, "pipelineExecutionSummaries", request)


def _succeeded(execution: Execution, stage: str) -> bool:
    return stage in execution.stages and execution.stages[stage].status == model.SUCCEEDED


def _filtered(pipeline: Pipeline, request: Request) -> Iterator[Execution]:
    wanted = request.get("filter") or {}
    latest = wanted.get("latestInPipelineExecution") or {}
    identifier = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
    if identifier:
        yield find(pipeline, identifier)
    else:
        yield from pipeline.executions


def _newest_only(request: Request) -> bool:
    latest = (request.get("filter") or {}).get("latestInPipelineExecution") or {}
    return bool(latest.get("startTimeRange") == "Latest")


def _actions(request: Request) -> Answer:
    with STORE.changed:
        pipeline = require_pipeline(request["pipelineName"])
        found = [(execution, attempt) for execution in _filtered(pipeline, request) for attempt in execution.actions]
        if _newest_only(request):
            newest = {(attempt.stage, attempt.action): (execution, attempt) for execution, attempt in found}
            found = list(newest.values())
        found.sort(key=lambda pair: pair[1].started, reverse=True)
        rows = [views.action(execution, attempt, pipeline.place[1]) for execution, attempt in found]
    return views.page(rows, "actionExecutionDetails", request)


def _rules(request: Request) -> Answer:
    with STORE.changed:
        pipeline = require_pipeline(request["pipelineName"])
        found = [(execution, rule) for execution in _filtered(pipeline, request) for rule in execution.rules]
        found.sort(key=lambda pair: pair[1].started, reverse=True)
        rows = [views.rule(execution, rule, pipeline.place[1]) for execution, rule in found]
    return views.page(rows, "ruleExecutionDetails", request)


# --- approvals and jobs ----------------------------------------------------------------------------------------------


def _approve(request: Request) -> Answer:
    with STORE.changed:
        pipeline, stage, name = require_pipeline(request["pipelineName"]), request["stageName"], request["actionName"]
        require_stage(pipeline, stage)
        attempts = [
            (execution, attempt)
            for execution in pipeline.executions
            for attempt in execution.actions
            if (attempt.stage, attempt.action) == (stage, name)
        ]
        declared = {
            action["name"]
            for its_stage, action in structure.actions(pipeline.declaration)
            if its_stage["name"] == stage
        }
        if name not in declared:
            raise no_action(pipeline.name, stage, name)
        found = next((pair for pair in attempts if pair[1].token == request["token"]), None)
        if found is None:
            message = "Invalid token or ARN provided: no approval of this action has this token"
            raise ServiceError("InvalidApprovalTokenException", message)
        execution, attempt = found
        if attempt.status != model.IN_PROGRESS or attempt.approval or execution.id not in RUNS:
            raise ServiceError("ApprovalAlreadyCompletedException", "The approval action has already been completed")
        attempt.approval, attempt.updated_by = dict(request["result"]), caller()
        STORE.save(pipeline, execution)
    return {"approvedAt": time.time()} if request["result"]["status"] == "Approved" else {}


def _succeed(request: Request) -> Answer:
    JOBS.succeed(place(), dict(request))
    return {}


def _fail(request: Request) -> Answer:
    JOBS.fail(place(), dict(request))
    return {}


def _job(request: Request) -> Answer:
    job = JOBS.get(place(), request["jobId"])
    data = {name: value for name, value in job.data.items() if name != "artifactCredentials" or job.open}
    return {"jobDetails": {"id": job.id, "accountId": job.place[0], "data": {**job.details, **data}}}


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    **declarations.OPERATIONS,
    "StartPipelineExecution": _start,
    "StopPipelineExecution": _stop,
    "RetryStageExecution": _retry,
    "RollbackStage": _rollback,
    "OverrideStageCondition": _override,
    "GetPipelineExecution": _execution,
    "ListPipelineExecutions": _executions,
    "ListActionExecutions": _actions,
    "ListRuleExecutions": _rules,
    "PutApprovalResult": _approve,
    "PutJobSuccessResult": _succeed,
    "PutJobFailureResult": _fail,
    "GetJobDetails": _job,
}


def _clear() -> None:
    """Deletes every pipeline, also on disk, and cancels every run."""
    with STORE.changed:
        for run in RUNS.values():
            run.cancelled = True
    STORE.clear()
    JOBS.clear()


SERVICE = JsonService("codepipeline", OPERATIONS, _clear, own=entry.OPERATIONS, threaded=True)
