"""CodePipeline's API: what a request asks for, answered in the real service's words.

docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.core.responses import error_response_json, json_response

from localcloud.codepipeline import declarations, entry, executions, model, structure, validation, views
from localcloud.codepipeline.declarations import caller, existing, place
from localcloud.codepipeline.errors import ServiceError, no_action
from localcloud.codepipeline.executions import find, has_stage
from localcloud.codepipeline.model import Execution
from localcloud.codepipeline.run import RUNS
from localcloud.codepipeline.state import JOBS, STORE
from localcloud.codepipeline.store import Pipeline

SYMBOLS = (
    "ministack.core.concurrency:run_reentrant",
    "ministack.core.responses:error_response_json",
    "ministack.core.responses:json_response",
)

logger = logging.getLogger("localcloud")
Request = Mapping[str, Any]
Answer = dict[str, Any]


# --- runs ------------------------------------------------------------------------------------------------------------


def _start(request: Request) -> Answer:
    with STORE.changed:
        pipeline = existing(request["name"])
        token = request.get("clientRequestToken")
        if token and token in pipeline.requests:
            return {"pipelineExecutionId": pipeline.requests[token]}
        given = {one["name"]: one["value"] for one in request.get("variables") or []}
        declared = {one["name"] for one in pipeline.declaration.get("variables") or []}
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
            said = f"The pipeline has no source action named '{revision['actionName']}'"
            raise ServiceError("ValidationException", said)
        if revision["revisionType"] != "COMMIT_ID":
            said = f"Revision type {revision['revisionType']} belongs to no source action of the local cloud: COMMIT_ID"
            raise ServiceError("ValidationException", said)
        found[revision["actionName"]] = {"CommitId": revision["revisionValue"]}
    return found


def _stop(request: Request) -> Answer:
    return {"pipelineExecutionId": executions.stop(existing(request["pipelineName"]), request).id}


def _retry(request: Request) -> Answer:
    return {"pipelineExecutionId": executions.retry(existing(request["pipelineName"]), request).id}


def _rollback(request: Request) -> Answer:
    return {"pipelineExecutionId": executions.rollback(existing(request["pipelineName"]), request, caller()).id}


def _override(request: Request) -> Answer:
    executions.override(existing(request["pipelineName"]), request)
    return {}


def _execution(request: Request) -> Answer:
    with STORE.changed:
        found = find(existing(request["pipelineName"]), request["pipelineExecutionId"])
        return {"pipelineExecution": views.execution(found)}


def _executions(request: Request) -> Answer:
    with STORE.changed:
        pipeline = existing(request["pipelineName"])
        stage = ((request.get("filter") or {}).get("succeededInStage") or {}).get("stageName")
        rows = [views.summary(one) for one in reversed(pipeline.executions) if not stage or _succeeded(one, stage)]
    return views.page(rows, "pipelineExecutionSummaries", request)


def _succeeded(execution: Execution, stage: str) -> bool:
    return stage in execution.stages and execution.stages[stage].status == model.SUCCEEDED


def _chosen(pipeline: Pipeline, request: Request) -> Iterator[Execution]:
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
        pipeline = existing(request["pipelineName"])
        found = [(one, attempt) for one in _chosen(pipeline, request) for attempt in one.actions]
        if _newest_only(request):
            found = list({(attempt.stage, attempt.action): (one, attempt) for one, attempt in found}.values())
        found.sort(key=lambda pair: pair[1].started, reverse=True)
        rows = [views.action(one, attempt, pipeline.place[1]) for one, attempt in found]
    return views.page(rows, "actionExecutionDetails", request)


def _rules(request: Request) -> Answer:
    with STORE.changed:
        pipeline = existing(request["pipelineName"])
        found = [(one, checked) for one in _chosen(pipeline, request) for checked in one.rules]
        found.sort(key=lambda pair: pair[1].started, reverse=True)
        rows = [views.rule(one, checked, pipeline.place[1]) for one, checked in found]
    return views.page(rows, "ruleExecutionDetails", request)


# --- people and functions --------------------------------------------------------------------------------------------


def _approve(request: Request) -> Answer:
    with STORE.changed:
        pipeline, stage, name = existing(request["pipelineName"]), request["stageName"], request["actionName"]
        has_stage(pipeline, stage)
        attempts = [
            (execution, attempt)
            for execution in pipeline.executions
            for attempt in execution.actions
            if (attempt.stage, attempt.action) == (stage, name)
        ]
        declared = {one["name"] for kept, one in structure.actions(pipeline.declaration) if kept["name"] == stage}
        if name not in declared:
            raise no_action(pipeline.name, stage, name)
        found = next((pair for pair in attempts if pair[1].token == request["token"]), None)
        if found is None:
            said = "Invalid token or ARN provided: it belongs to no approval of this action"
            raise ServiceError("InvalidApprovalTokenException", said)
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


def answer(name: str, request: Request) -> Any:
    """The answer to one request."""
    try:
        if name in OPERATIONS:
            validation.check(name, request)
            return json_response(OPERATIONS[name](request))
        if name in entry.OPERATIONS:
            return json_response(entry.OPERATIONS[name](request))
    except ServiceError as error:
        return error_response_json(error.code, str(error), 400)
    known = name in validation.model().operation_names
    said = f"The local cloud's CodePipeline does not do {name}" if known else f"Unknown operation {name}"
    return error_response_json("ValidationException" if known else "UnknownOperationException", said, 400)


async def handle_request(_method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Any) -> Any:
    """Answer one request on a thread of its own: it may call other services."""
    name = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return error_response_json("SerializationException", "The body is not JSON", 400)
    return await run_reentrant(answer, name, request, thread_name="localcloud-codepipeline")


def reset() -> None:
    """Forget every pipeline, on disk too, and end every run."""
    with STORE.changed:
        for run in RUNS.values():
            run.cancelled = True
    STORE.clear()
    JOBS.clear()


def get_state() -> dict[str, Any]:
    """What is kept is kept by the store."""
    return {}


def load_persisted_state(_data: Any) -> None:
    """What is kept is kept by the store."""
