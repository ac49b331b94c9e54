"""EventBridge: targets that MiniStack does not support, called with the target's role, and events of AWS services.

Services in this package send events with `emit`: PutEvents refuses sources that begin with `aws.`, as on AWS.
"""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import ecr, ecs, eventbridge, lambda_svc

from localcloud import adapter, clients, settings
from localcloud.cloudformation import coercion

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:new_uuid",
    "ministack.services.ecr:_v2_put_manifest",
    "ministack.services.ecs:_mark_task_running",
    "ministack.services.ecs:_mark_task_stopped",
    "ministack.services.eventbridge:_apply_input_transformer",
    "ministack.services.eventbridge:_dispatch_event",
    "ministack.services.eventbridge:_dispatch_to_lambda",
    "ministack.services.eventbridge:_invoke_target",
    "ministack.services.eventbridge:_pattern_event_view",
    "ministack.services.lambda_svc:_execution_record_for_config",
    "ministack.services.lambda_svc:_get_func_record_for_ref",
    "ministack.services.lambda_svc:invoke_async_with_retry",
)

logger = logging.getLogger("localcloud")
Target = Mapping[str, Any]
_ECS_OPTIONS = (
    "LaunchType",
    "NetworkConfiguration",
    "Group",
    "PlatformVersion",
    "CapacityProviderStrategy",
    "EnableExecuteCommand",
    "PropagateTags",
)


def in_background(work: Callable[[], object], what: str) -> None:
    """Run `work` on a thread, in the caller's account and region; errors are logged."""

    def run() -> None:
        try:
            work()
        except Exception:
            logger.exception("%s failed", what)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()


# --- sending events --------------------------------------------------------------------------------------------------


def emit(source: str, detail_type: str, detail: Mapping[str, Any], resources: Iterable[str] = ()) -> None:
    """Send an event of an AWS service to the default event bus."""
    event = {
        "EventId": new_uuid(),
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail, default=str),
        "EventBusName": "default",
        "Time": int(time.time()),
        "Resources": list(resources),
        "Account": get_account_id(),
        "Region": get_region(),
    }
    in_background(lambda: eventbridge._dispatch_event(event), f"event {detail_type}")


# --- targets ---------------------------------------------------------------------------------------------------------


def _client(service: str, role_arn: str | None) -> Any:
    """Returns a client with the permissions of the target's role, so that missing permissions cause an error."""
    if not role_arn:
        return adapter.client(service)
    assumed = adapter.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="events")["Credentials"]
    return clients.client(service, assumed, get_region(), user_agent_extra=settings.INNER)


def _run_task(target: Target, payload: str | None) -> None:
    declared = target["EcsParameters"]
    client = _client("ecs", target.get("RoleArn"))
    wanted: dict[str, Any] = {
        "cluster": target["Arn"],
        "taskDefinition": declared["TaskDefinitionArn"],
        "count": declared.get("TaskCount", 1),
        "startedBy": "events-rule",
        **{name: declared[name] for name in _ECS_OPTIONS if name in declared},
    }
    if payload:
        wanted["overrides"] = json.loads(payload)
    shape = client.meta.service_model.operation_model("RunTask").input_shape
    client.run_task(**coercion.coerce(shape, wanted))


def _start_pipeline(target: Target, _payload: str | None) -> None:
    client = _client("codepipeline", target.get("RoleArn"))
    client.start_pipeline_execution(name=str(target["Arn"]).rsplit(":", 1)[-1])


def _start_build(target: Target, payload: str | None) -> None:
    overrides = json.loads(payload) if payload else {}
    client = _client("codebuild", target.get("RoleArn"))
    client.start_build(projectName=str(target["Arn"]).rsplit("/", 1)[-1], **overrides)


def _write_log(target: Target, payload: str | None) -> None:
    group, stream = str(target["Arn"]).split(":log-group:")[1].removesuffix(":*"), new_uuid()
    logs = adapter.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": int(time.time() * 1000), "message": payload or "{}"}],
    )


def _call_function(arn: str, payload: str) -> None:
    """Invoke a function asynchronously: with two retries, and then its on-failure destination."""
    function, configuration, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not configuration:
        logger.warning("event not delivered to function %s: it does not exist", name)
        return
    lambda_svc.invoke_async_with_retry(
        lambda_svc._execution_record_for_config(function, configuration), json.loads(payload)
    )


_TARGETS: dict[str, Callable[[Target, str | None], None]] = {
    "ecs": _run_task,
    "codepipeline": _start_pipeline,
    "codebuild": _start_build,
    "logs": _write_log,
}
_WHOLE_EVENT = {"logs"}


def _payload(target: Target, rule: Mapping[str, Any], view: Any, *, whole: bool) -> str | None:
    """Returns the target's input: its own, or the event if the target takes whole events."""
    if target.get("InputTransformer"):
        return str(eventbridge._apply_input_transformer(target["InputTransformer"], rule, view))
    if target.get("Input"):
        return str(target["Input"])
    return json.dumps(view.event_with_detail(), default=str) if whole else None


def _deliver(service: str, target: Target, payload: str | None) -> None:
    try:
        _TARGETS[service](target, payload)
    except (BotoCoreError, ClientError, KeyError, ValueError) as error:
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        logger.warning("event not delivered to %s: %s", target.get("Arn"), error)
        if queue:
            sqs = adapter.client("sqs")
            url = sqs.get_queue_url(QueueName=queue.rsplit(":", 1)[-1])["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=payload or "{}")


# --- events of ECS and ECR -------------------------------------------------------------------------------------------

_TASK_FIELDS = (
    "clusterArn",
    "taskArn",
    "taskDefinitionArn",
    "lastStatus",
    "desiredStatus",
    "group",
    "startedBy",
    "stopCode",
    "stoppedReason",
    "containers",
)


def _emit_task_events(name: str) -> None:
    original = getattr(ecs, name)

    def emitting(task_arn: str, task: dict[str, Any], *rest: Any, **more: Any) -> Any:
        changed = original(task_arn, task, *rest, **more)
        if changed:
            detail = {field: task[field] for field in _TASK_FIELDS if task.get(field) is not None}
            emit("aws.ecs", "ECS Task State Change", detail, [task_arn])
        return changed

    setattr(ecs, name, emitting)


def _emit_push_events() -> None:
    original = ecr._v2_put_manifest

    def emitting(name: str, ref: str, headers: Mapping[str, str], body: bytes) -> Any:
        answer = original(name, ref, headers, body)
        if answer[0] == 201 and not ref.startswith("sha256:"):  # noqa: PLR2004 - created
            digest = dict(answer[1]).get("Docker-Content-Digest", "")
            detail = {
                "action-type": "PUSH",
                "result": "SUCCESS",
                "repository-name": name,
                "image-digest": digest,
                "image-tag": ref,
            }
            emit("aws.ecr", "ECR Image Action", detail)
        return answer

    ecr._v2_put_manifest = emitting


def install() -> None:
    """Support more targets, and send the events of ECS and ECR."""
    original = eventbridge._invoke_target

    def invoking(target: Target, event: Mapping[str, Any], rule: Mapping[str, Any], view: Any = None) -> None:
        parts = str(target.get("Arn", "")).split(":")
        service = parts[2] if len(parts) > 5 else ""  # noqa: PLR2004 - the fields of an ARN
        if service not in _TARGETS:
            original(target, event, rule, view)
            return
        view = view or eventbridge._pattern_event_view(event)
        payload = _payload(target, rule, view, whole=service in _WHOLE_EVENT)
        in_background(lambda: _deliver(service, target, payload), f"target {target.get('Arn')}")

    eventbridge._invoke_target = invoking
    eventbridge._dispatch_to_lambda = _call_function
    _emit_task_events("_mark_task_running")
    _emit_task_events("_mark_task_stopped")
    _emit_push_events()
