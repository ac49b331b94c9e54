"""The response shapes of the API for pipelines and runs."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.codepipeline import conditions, model
from localcloud.codepipeline.model import (
    ActionExecution,
    Artifact,
    ConditionState,
    Execution,
    RuleExecution,
    StageExecution,
)
from localcloud.codepipeline.store import Pipeline
from localcloud.json_services import ServiceError

Shape = dict[str, Any]
_PAGE = 100


def without_empty(shape: Mapping[str, Any]) -> Shape:
    """Returns the members of a shape that have a value."""
    return {name: value for name, value in shape.items() if value not in ("", None, [], {})}


def page(rows: Sequence[Shape], member: str, request: Mapping[str, Any]) -> Shape:
    """Returns a page of a list, with the token of the next page.

    Raises:
        ServiceError: if the token of the request is invalid.
    """
    try:
        first = int(base64.b64decode(request["nextToken"])) if request.get("nextToken") else 0
    except ValueError:
        raise ServiceError("InvalidNextTokenException", "The next token was specified in an invalid format") from None
    size = request.get("maxResults") or _PAGE
    token = base64.b64encode(str(first + size).encode()).decode() if len(rows) > first + size else ""
    return {member: list(rows[first : first + size]), **({"nextToken": token} if token else {})}


def pipeline(found: Pipeline, declaration: Mapping[str, Any]) -> Shape:
    """Returns the response of GetPipeline."""
    metadata = {"pipelineArn": found.arn, "created": found.created, "updated": found.updated}
    return {"pipeline": dict(declaration), "metadata": metadata}


def listed(found: Pipeline) -> Shape:
    """Returns an entry of ListPipelines."""
    names = ("name", "version", "pipelineType", "executionMode")
    shown = {name: found.declaration[name] for name in names}
    return {**shown, "created": found.created, "updated": found.updated}


# --- runs ------------------------------------------------------------------------------------------------------------


def _common(execution: Execution) -> Shape:
    return without_empty(
        {
            "pipelineExecutionId": execution.id,
            "status": execution.status,
            "statusSummary": execution.summary,
            "trigger": execution.trigger,
            "executionMode": execution.mode,
            "executionType": execution.kind,
            "rollbackMetadata": without_empty({"rollbackTargetPipelineExecutionId": execution.rollback_target}),
        }
    )


def execution(found: Execution) -> Shape:
    """Returns the member `pipelineExecution` of GetPipelineExecution."""
    return {
        "pipelineName": found.pipeline,
        "pipelineVersion": found.version,
        "artifactRevisions": list(found.revisions.values()),
        "variables": [{"name": name, "resolvedValue": value} for name, value in found.variables.items()],
        **_common(found),
    }


def summary(found: Execution) -> Shape:
    """Returns an entry of ListPipelineExecutions."""
    revisions = [
        without_empty(
            {"actionName": action, **{name: revision.get(name) for name in ("revisionId", "revisionSummary")}}
        )
        for action, revision in found.revisions.items()
    ]
    stopped = {"stopTrigger": {"reason": found.stop_reason}} if found.stop_reason else {}
    times = {"startTime": found.started, "lastUpdateTime": found.updated}
    return {**_common(found), **times, "sourceRevisions": revisions, **stopped}


def _artifacts(artifacts: list[Artifact]) -> list[Shape]:
    return [
        {"name": artifact.name, "s3location": {"bucket": artifact.bucket, "key": artifact.key}}
        for artifact in artifacts
    ]


def _error(attempt: ActionExecution | RuleExecution) -> Shape:
    return {"code": attempt.error_code, "message": attempt.error} if attempt.error else {}


def action(found: Execution, attempt: ActionExecution, region: str) -> Shape:
    """Returns an entry of ListActionExecutions."""
    declared = attempt.declaration
    given = {
        "actionTypeId": declared["actionTypeId"],
        "configuration": declared.get("configuration") or {},
        "resolvedConfiguration": attempt.resolved,
        "roleArn": declared.get("roleArn"),
        "region": declared.get("region") or region,
        "inputArtifacts": _artifacts(attempt.inputs),
        "namespace": declared.get("namespace"),
    }
    result = {
        "externalExecutionId": attempt.external_id,
        "externalExecutionSummary": attempt.summary,
        "externalExecutionUrl": attempt.external_url,
        "errorDetails": _error(attempt),
    }
    outputs = attempt.outputs if attempt.status == model.SUCCEEDED else []
    output = {
        "outputArtifacts": _artifacts(outputs),
        "executionResult": without_empty(result),
        "outputVariables": attempt.variables,
    }
    return without_empty(
        {
            "pipelineExecutionId": found.id,
            "actionExecutionId": attempt.id,
            "pipelineVersion": found.version,
            "stageName": attempt.stage,
            "actionName": attempt.action,
            "startTime": attempt.started,
            "lastUpdateTime": attempt.updated,
            "updatedBy": attempt.updated_by,
            "status": attempt.status,
            "input": without_empty(given),
            "output": output,
        }
    )


def rule(found: Execution, checked: RuleExecution, region: str) -> Shape:
    """Returns an entry of ListRuleExecutions."""
    declared = checked.declaration
    given = {
        "ruleTypeId": declared["ruleTypeId"],
        "configuration": declared.get("configuration") or {},
        "resolvedConfiguration": checked.resolved,
        "roleArn": declared.get("roleArn"),
        "region": declared.get("region") or region,
    }
    result = {"externalExecutionId": checked.external_id, "errorDetails": _error(checked)}
    return {
        "pipelineExecutionId": found.id,
        "ruleExecutionId": checked.id,
        "pipelineVersion": found.version,
        "stageName": checked.stage,
        "ruleName": checked.rule,
        "startTime": checked.started,
        "lastUpdateTime": checked.updated,
        "status": checked.status,
        "input": without_empty(given),
        "output": {"executionResult": without_empty(result)},
    }


# --- state -----------------------------------------------------------------------------------------------------------


def state(found: Pipeline) -> Shape:
    """Returns the response of GetPipelineState."""
    return {
        "pipelineName": found.name,
        "pipelineVersion": found.declaration["version"],
        "stageStates": [_stage(found, stage) for stage in found.declaration["stages"]],
        "created": found.created,
        "updated": found.updated,
    }


def _stage(found: Pipeline, stage: Mapping[str, Any]) -> Shape:
    name = stage["name"]
    latest, transition = found.latest(name), found.transition(name)
    change = {"lastChangedBy": transition.by, "lastChangedAt": transition.at, "disabledReason": transition.reason}
    shape: Shape = {
        "stageName": name,
        "inboundTransitionState": {"enabled": transition.enabled, **without_empty(change if transition.at else {})},
        "actionStates": [_action(found, name, action["name"]) for action in stage["actions"]],
    }
    waiting = [_inbound(found, identifier) for _, identifier in found.gate(name).waiting]
    if waiting:
        shape["inboundExecution"], shape["inboundExecutions"] = waiting[-1], waiting
    if latest is None:
        return shape
    entered = latest.stages[name]
    status = model.STOPPING if latest.status == model.STOPPING and entered.status == model.IN_PROGRESS else ""
    shape["latestExecution"] = {
        "pipelineExecutionId": latest.id,
        "status": status or entered.status,
        "type": latest.kind,
    }
    retried = {
        "autoStageRetryAttempt": entered.automatic_retries or None,
        "manualStageRetryAttempt": entered.manual_retries or None,
        "latestRetryTrigger": entered.retried_by,
    }
    return without_empty({**shape, "retryStageMetadata": without_empty(retried), **_conditions(latest, entered)})


def _inbound(found: Pipeline, identifier: str) -> Shape:
    waiting = found.execution(identifier)
    kind = waiting.kind if waiting else model.STANDARD
    status = waiting.status if waiting else model.IN_PROGRESS
    return {"pipelineExecutionId": identifier, "status": status, "type": kind}


def _conditions(latest: Execution, entered: StageExecution) -> Shape:
    return {
        f"{conditions.MEMBERS[moment]}ConditionState": _condition(latest, entered.name, moment, state)
        for moment, state in entered.conditions.items()
    }


def _condition(latest: Execution, stage: str, moment: str, state: ConditionState) -> Shape:
    newest = {rule.rule: rule for rule in latest.rules if rule.stage == stage and rule.condition == moment}
    execution = without_empty({"status": state.status, "summary": state.summary, "lastStatusChange": state.updated})
    rules = [
        {
            "ruleName": name,
            "latestExecution": without_empty(
                {
                    "ruleExecutionId": rule.id,
                    "status": rule.status,
                    "lastStatusChange": rule.updated,
                    "externalExecutionId": rule.external_id,
                    "errorDetails": _error(rule),
                }
            ),
        }
        for name, rule in newest.items()
    ]
    shape = {"latestExecution": execution, "ruleStates": rules}
    return {"latestExecution": {"status": state.status, "summary": state.summary}, "conditionStates": [shape]}


def _action(found: Pipeline, stage: str, name: str) -> Shape:
    attempts = [
        (execution, attempt)
        for execution in found.executions
        for attempt in execution.actions
        if attempt.stage == stage and attempt.action == name
    ]
    if not attempts:
        return {"actionName": name}
    execution, attempt = max(attempts, key=lambda pair: pair[1].started)
    shape: Shape = {"actionName": name}
    own = [revision for action, revision in execution.revisions.items() if action == name]
    if own and attempt.id == getattr(execution.last(stage, name), "id", ""):
        created = own[0].get("created", attempt.updated)
        shape["currentRevision"] = {"revisionId": own[0]["revisionId"], "revisionChangeId": "1", "created": created}
    shape["latestExecution"] = without_empty(
        {
            "actionExecutionId": attempt.id,
            "status": attempt.status,
            "summary": attempt.summary,
            "lastStatusChange": attempt.updated,
            "token": attempt.token if attempt.status == model.IN_PROGRESS else "",
            "lastUpdatedBy": attempt.updated_by,
            "externalExecutionId": attempt.external_id,
            "externalExecutionUrl": attempt.external_url,
            "errorDetails": _error(attempt),
        }
    )
    return shape
