"""Run Command: sends commands, lists them and their invocations, and cancels them.

docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid

from localcloud.ssm import documents, engine, interpolation, output, pages, records, targets
from localcloud.ssm.content import timeouts
from localcloud.ssm.engine import Delivery
from localcloud.ssm.errors import ServiceError, unsupported
from localcloud.ssm.records import STORE, Command, Invocation, PluginRun

SYMBOLS: tuple[str, ...] = (
    *engine.SYMBOLS,
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.core.responses:new_uuid",
)

Request = Mapping[str, Any]
Answer = dict[str, Any]
_DELIVERY_SECONDS = 3600
_deliveries: dict[str, Delivery] = {}
_guard = threading.Lock()


def _place() -> tuple[str, str]:
    return get_account_id(), get_region()


# --- sending ---------------------------------------------------------------------------------------------------------


def send(request: Request, instance_ids: Sequence[str], *, association: str = "") -> Command:
    """Sends a command to nodes and returns it.

    Raises:
        ServiceError: if the document, its version or the parameters are not valid.
    """
    document = documents.find(request["DocumentName"])
    wanted = request.get("DocumentVersion") or "$DEFAULT"
    version = document.version(wanted)
    if request.get("DocumentHash") not in (None, version.hash):
        raise ServiceError("InvalidDocument", f"The hash of {document.name} is {version.hash}, not the given one.")
    given = {name: list(values) for name, values in (request.get("Parameters") or {}).items()}
    values = interpolation.values(version.parsed, given)
    limits = [int(interpolation.fill(text, values)) for text in timeouts(version.parsed)]
    seconds = request.get("TimeoutSeconds") or _DELIVERY_SECONDS
    command = Command(
        id=new_uuid(),
        place=_place(),
        document=document.name,
        version=wanted,
        parameters=given,
        instance_ids=list(request.get("InstanceIds") or ()),
        targets=[dict(target) for target in request.get("Targets") or ()],
        delivery_seconds=seconds,
        expires=0,
        max_concurrency=request.get("MaxConcurrency") or "50",
        max_errors=request.get("MaxErrors") or "0",
        comment=request.get("Comment", ""),
        log_group=_log_group(request, document.name),
        association=association,
    )
    command.expires = command.requested + seconds + sum(limits)
    names = [step.name for step in version.parsed.steps]
    command.invocations = {key: _copy(key, names, command.requested) for key in instance_ids}
    delivery = Delivery(STORE, command, version.parsed, values)
    with _guard:
        _deliveries[command.id] = delivery
    delivery.start()
    return command


def _copy(instance_id: str, steps: Sequence[str], requested: float) -> Invocation:
    return Invocation(instance_id, instance_id, [PluginRun(name) for name in steps], requested)


def _log_group(request: Request, document: str) -> str:
    """Returns the log group: the one that is asked for, or the one that AWS names after the document."""
    config = request.get("CloudWatchOutputConfig") or {}
    group = str(config.get("CloudWatchLogGroupName") or "")
    if not group and not config.get("CloudWatchOutputEnabled"):
        return ""
    return group or f"/aws/ssm/{document}"


def refuse(request: Request) -> None:
    """Checks a request for what the local cloud does not do.

    Raises:
        ServiceError: that names the member.
    """
    if request.get("OutputS3BucketName") or request.get("OutputS3KeyPrefix"):
        message = "The local cloud writes output to CloudWatch Logs only: use CloudWatchOutputConfig."
        raise ServiceError("InvalidOutputFolder", message)
    if request.get("NotificationConfig") or request.get("ServiceRoleArn"):
        message = "The local cloud sends no SNS notifications of commands: use a rule of EventBridge."
        raise ServiceError("InvalidNotificationConfig", message)
    if request.get("AlarmConfiguration"):
        raise unsupported("AlarmConfiguration")


def _send(request: Request) -> Answer:
    refuse(request)
    ids, wanted = request.get("InstanceIds") or [], request.get("Targets") or []
    if bool(ids) == bool(wanted):
        message = "Give InstanceIds or Targets" + (", not both." if ids else ".")
        raise ServiceError("ValidationException", message)
    targets.check(wanted)
    named = ids or next((target["Values"] for target in wanted if target["Key"] in ("InstanceIds", "instanceids")), [])
    documents.find(request["DocumentName"])
    targets.require([key for key in named if key != "*"])
    command = send(request, ids or targets.here(wanted))
    return {"Command": {**_public(command), "Status": records.PENDING, "StatusDetails": records.PENDING}}


# --- reading ---------------------------------------------------------------------------------------------------------


def _public(command: Command) -> Answer:
    listed = list(command.invocations.values())
    return pages.present(
        {
            "CommandId": command.id,
            "DocumentName": command.document,
            "ExpiresAfter": command.expires,
            "RequestedDateTime": command.requested,
            "Status": command.status,
            "StatusDetails": command.details,
            "MaxConcurrency": command.max_concurrency,
            "MaxErrors": command.max_errors,
            "CloudWatchOutputConfig": _cloudwatch(command),
        }
    ) | {
        "DocumentVersion": command.version,
        "Comment": command.comment,
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "ServiceRole": "",
        "TargetCount": len(listed),
        "CompletedCount": sum(invocation.over for invocation in listed),
        "ErrorCount": sum(map(engine.failed, listed)),
        "DeliveryTimedOutCount": sum(copy.details == records.DELIVERY_TIMED_OUT for copy in listed),
        "TimeoutSeconds": int(command.delivery_seconds),
    }


def _cloudwatch(command: Command) -> Answer:
    enabled = bool(command.log_group)
    return {"CloudWatchLogGroupName": command.log_group, "CloudWatchOutputEnabled": enabled}


def _row(command: Command, copy: Invocation, *, details: bool) -> Answer:
    row: Answer = {
        "CommandId": command.id,
        "InstanceId": copy.instance_id,
        "InstanceName": copy.instance_name,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "RequestedDateTime": copy.requested,
        "Status": copy.status,
        "StatusDetails": copy.details,
        "TraceOutput": copy.trace[: output.IN_LISTS],
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [_plugin(plugin) for plugin in copy.plugins] if details else [],
        "ServiceRole": "",
        "CloudWatchOutputConfig": _cloudwatch(command),
    }
    return row


def _plugin(plugin: PluginRun) -> Answer:
    return pages.present(
        {
            "Name": plugin.name,
            "Status": plugin.status,
            "StatusDetails": plugin.details,
            "ResponseStartDateTime": plugin.started or None,
            "ResponseFinishDateTime": plugin.ended or None,
        }
    ) | {
        "ResponseCode": plugin.code,
        "Output": output.in_list(plugin.stdout, plugin.stderr),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
    }


def _time(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _get_invocation(request: Request) -> Answer:
    with STORE.changed:
        command = STORE.commands.get(request["CommandId"])
        mine = command is not None and command.place == _place()
        copy = command.invocations.get(request["InstanceId"]) if command is not None and mine else None
        if command is None or copy is None:
            message = f"No invocation of the command {request['CommandId']} on {request['InstanceId']}."
            raise ServiceError("InvocationDoesNotExist", message)
        plugin = _chosen(copy, request.get("PluginName", ""))
        status, details = _status(copy, plugin)
        over = plugin.status in records.TERMINAL
        end = plugin.ended if over else 0.0
        elapsed = f"PT{end - plugin.started:.3f}S" if over and plugin.started else ""
        return {
            "CommandId": command.id,
            "InstanceId": copy.instance_id,
            "Comment": command.comment,
            "DocumentName": command.document,
            "DocumentVersion": command.version,
            "PluginName": plugin.name,
            "ResponseCode": plugin.code,
            "ExecutionStartDateTime": _time(plugin.started),
            "ExecutionElapsedTime": elapsed,
            "ExecutionEndDateTime": _time(end) if plugin.started else "",
            "Status": status,
            "StatusDetails": details,
            "StandardOutputContent": plugin.stdout if over else "",
            "StandardOutputUrl": "",
            "StandardErrorContent": plugin.stderr if over else "",
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": _cloudwatch(command),
        }


def _chosen(copy: Invocation, name: str) -> PluginRun:
    names = [plugin.name for plugin in copy.plugins]
    if not name and len(names) > 1:
        raise ServiceError("InvalidPluginName", f"The document has several steps: give one of {', '.join(names)}.")
    found = next((plugin for plugin in copy.plugins if plugin.name == name or not name), None)
    if found is None:
        raise ServiceError("InvalidPluginName", f"The document has no step {name}: it has {', '.join(names)}.")
    return found


def _status(copy: Invocation, plugin: PluginRun) -> tuple[str, str]:
    """Returns the status of a step; before it starts, that of the invocation if this one waits, too."""
    waits = plugin.status == records.PENDING and copy.status == records.IN_PROGRESS
    own = plugin.status in records.TERMINAL or waits
    return (plugin.status, plugin.details) if own else (copy.status, copy.details)


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise ServiceError("ValidationException", f"{text} is no time: write 2021-07-07T00:00:00Z.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _accepts(condition: Mapping[str, str], requested: float, status: tuple[str, str], document: str) -> bool:
    key, value = condition["key"], condition["value"]
    if key == "InvokedAfter":
        return requested >= _moment(value)
    if key == "InvokedBefore":
        return requested < _moment(value)
    if key == "Status":
        return value in status
    if key == "ExecutionStage":
        return (status[0] in records.TERMINAL) == (value == "Complete")
    return document == value


def _list_commands(request: Request) -> Answer:
    conditions, wanted, node = request.get("Filters") or (), request.get("CommandId"), request.get("InstanceId")
    with STORE.changed:
        rows = [
            _public(command)
            for command in STORE.of(_place())
            if wanted in (None, command.id)
            and (node is None or node in command.invocations)
            and all(
                _accepts(condition, command.requested, (command.status, command.details), command.document)
                for condition in conditions
            )
        ]
    return pages.page(rows, "Commands", request, 50)


def _list_invocations(request: Request) -> Answer:
    conditions, wanted, node = request.get("Filters") or (), request.get("CommandId"), request.get("InstanceId")
    with STORE.changed:
        rows = [
            _row(command, copy, details=bool(request.get("Details")))
            for command in STORE.of(_place())
            if wanted in (None, command.id)
            for copy in command.invocations.values()
            if node in (None, copy.instance_id)
            and all(
                _accepts(condition, command.requested, (copy.status, copy.details), command.document)
                for condition in conditions
            )
        ]
    return pages.page(rows, "CommandInvocations", request, 50)


def _cancel(request: Request) -> Answer:
    with STORE.changed:
        command = STORE.commands.get(request["CommandId"])
        if command is None or command.place != _place():
            raise ServiceError("InvalidCommandId", f"No command has the ID {request['CommandId']}.")
        ids = request.get("InstanceIds") or list(command.invocations)
        if unknown := sorted(set(ids) - set(command.invocations)):
            raise ServiceError("InvalidInstanceId", f"The command was not sent to {', '.join(unknown)}.")
        if len(set(ids)) != len(ids):
            raise ServiceError("DuplicateInstanceId", "A managed node is named twice.")
        delivery = _deliveries.get(command.id)
        if delivery is not None and not command.over:
            delivery.cancel(ids)
    return {}


def clear() -> None:
    """Deletes all commands; those that run are killed."""
    STORE.clear()
    with _guard:
        _deliveries.clear()


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "SendCommand": _send,
    "GetCommandInvocation": _get_invocation,
    "ListCommands": _list_commands,
    "ListCommandInvocations": _list_invocations,
    "CancelCommand": _cancel,
}
