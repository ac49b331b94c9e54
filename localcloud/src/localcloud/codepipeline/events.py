"""The events that EventBridge gets: state changes of runs, stages and actions.

docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from localcloud.codepipeline.model import ActionExecution, Artifact, Execution, StageExecution
from localcloud.codepipeline.store import Pipeline
from localcloud.eventbridge import bus


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _send(pipeline: Pipeline, kind: str, detail: dict[str, Any]) -> None:
    bus.emit("aws.codepipeline", f"CodePipeline {kind} Execution State Change", detail, [pipeline.arn])


def _common(execution: Execution, state: str, started: float) -> dict[str, Any]:
    return {
        "pipeline": execution.pipeline,
        "execution-id": execution.id,
        "start-time": _time(started),
        "state": state,
        "version": float(execution.version),
        "pipeline-execution-attempt": float(execution.attempt),
    }


def run(pipeline: Pipeline, execution: Execution, state: str) -> None:
    """Sends a state change of a run: STARTED, RESUMED, STOPPING, STOPPED, SUCCEEDED, FAILED, CANCELED or SUPERSEDED."""
    detail = _common(execution, state, execution.started)
    detail["execution-trigger"] = {
        "trigger-type": execution.trigger.get("triggerType", ""),
        "trigger-detail": execution.trigger.get("triggerDetail", ""),
        **execution.event,
    }
    if state in {"STOPPING", "STOPPED"} and execution.stop_reason:
        detail["stop-execution-comments"] = execution.stop_reason
    _send(pipeline, "Pipeline", detail)


def stage(pipeline: Pipeline, execution: Execution, entered: StageExecution, state: str) -> None:
    """Sends a state change of a stage: STARTED, RESUMED, STOPPING, STOPPED, SUCCEEDED, FAILED or CANCELED."""
    detail = {**_common(execution, state, entered.entered), "stage": entered.name}
    _send(pipeline, "Stage", detail)


def action(pipeline: Pipeline, execution: Execution, attempt: ActionExecution, state: str) -> None:
    """Sends a state change of an action: STARTED, SUCCEEDED, FAILED or ABANDONED."""
    kind = attempt.declaration["actionTypeId"]
    detail = {
        **_common(execution, state, attempt.started),
        "stage": attempt.stage,
        "action": attempt.action,
        "action-execution-id": attempt.id,
        "region": attempt.declaration.get("region") or pipeline.place[1],
        "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
        "input-artifacts": _artifacts(attempt.inputs),
    }
    if state != "STARTED":
        detail["output-artifacts"] = _artifacts(attempt.outputs)
        detail["execution-result"] = {
            "external-execution-id": attempt.external_id,
            "external-execution-url": attempt.external_url,
            "external-execution-summary": attempt.error or attempt.summary,
            **({"error-code": attempt.error_code} if attempt.error_code else {}),
        }
    _send(pipeline, "Action", detail)


def _artifacts(artifacts: list[Artifact]) -> list[dict[str, Any]]:
    return [
        {"name": artifact.name, "s3location": {"bucket": artifact.bucket, "key": artifact.key}}
        for artifact in artifacts
    ]
