"""Application Auto Scaling: stores targets, policies and scheduled actions, and enforces the capacity range.

No service scales by metrics or schedules here. Only when its target is registered, a service below the minimum
capacity is raised to it, and one above the maximum is lowered.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack import app
from ministack.core import iam_actions, router
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response, new_uuid

from localcloud import adapter

SYMBOLS = (
    "ministack.app:SERVICE_HANDLERS",
    "ministack.app:SERVICE_REGISTRY",
    "ministack.app:_lazy_handler",
    "ministack.app:_loaded_modules",
    "ministack.app:_state_map",
    "ministack.core.concurrency:run_reentrant",
    "ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.core.router:SERVICE_PATTERNS",
)

NAME = "application-autoscaling"
Data = Mapping[str, Any]

_targets: Any = AccountRegionScopedDict()
_policies: Any = AccountRegionScopedDict()
_actions: Any = AccountRegionScopedDict()
_tags: Any = AccountRegionScopedDict()
_activities: Any = AccountRegionScopedDict()


def _key(data: Data, *names: str) -> str:
    return "|".join(str(data[name]) for name in ("ServiceNamespace", "ResourceId", "ScalableDimension", *names))


def _absent(what: str, data: Data) -> Any:
    return error_response_json("ObjectNotFoundException", f"No {what} found for {data.get('ResourceId')}", 400)


# --- targets ---------------------------------------------------------------------------------------------------------


def _register(data: Data) -> Any:
    known = _targets.get(_key(data)) or {
        "ServiceNamespace": data["ServiceNamespace"],
        "ResourceId": data["ResourceId"],
        "ScalableDimension": data["ScalableDimension"],
        "ScalableTargetARN": adapter.arn(NAME, f"scalable-target/{new_uuid()}"),
        "CreationTime": time.time(),
        "SuspendedState": {},
    }
    given = {name: data[name] for name in ("MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState") if name in data}
    target = {"MinCapacity": 0, "MaxCapacity": 0, **known, **given}
    if target["MinCapacity"] > target["MaxCapacity"]:
        return error_response_json("ValidationException", "Maximum capacity cannot be less than minimum capacity", 400)
    _targets[_key(data)] = target
    if data.get("Tags"):
        _tags[target["ScalableTargetARN"]] = dict(data["Tags"])
    _enforce(target)
    return json_response({"ScalableTargetARN": target["ScalableTargetARN"]})


def _enforce(target: Data) -> None:
    """Set an ECS service's desired count to a value within the capacity range."""
    if target["ScalableDimension"] != "ecs:service:DesiredCount":
        return
    _, cluster, service = target["ResourceId"].split("/")
    api = adapter.client("ecs")
    try:
        found = api.describe_services(cluster=cluster, services=[service])["services"]
    except ClientError:
        return
    if not found:
        return
    now = found[0]["desiredCount"]
    wanted = max(target["MinCapacity"], min(now, target["MaxCapacity"]))
    if wanted != now:
        api.update_service(cluster=cluster, service=service, desiredCount=wanted)
        activity = new_uuid()
        _activities[activity] = {
            "ActivityId": activity,
            "ServiceNamespace": target["ServiceNamespace"],
            "ResourceId": target["ResourceId"],
            "ScalableDimension": target["ScalableDimension"],
            "Description": f"Setting desired count to {wanted}.",
            "Cause": "minimum or maximum capacity changed",
            "StartTime": time.time(),
            "StatusCode": "Successful",
        }


def _deregister(data: Data) -> Any:
    if _targets.pop(_key(data), None) is None:
        return _absent("scalable target", data)
    prefix = _key(data) + "|"
    for store in (_policies, _actions):
        for key in [key for key in store if key.startswith(prefix)]:
            del store[key]
    return json_response({})


def _listing(store: Any, member: str, *filters: str, names: str = "") -> Callable[[Data], Any]:
    def listing(data: Data) -> Any:
        rows = [row for row in store.values() if row["ServiceNamespace"] == data["ServiceNamespace"]]
        for name in filters:
            rows = [row for row in rows if name not in data or row.get(name) == data[name]]
        if names and data.get(names):
            rows = [row for row in rows if row[names.removesuffix("s")] in data[names]]
        if member == "ScalableTargets" and data.get("ResourceIds"):
            rows = [row for row in rows if row["ResourceId"] in data["ResourceIds"]]
        return json_response({member: rows})

    return listing


# --- policies and scheduled actions ----------------------------------------------------------------------------------


def _put_policy(data: Data) -> Any:
    if _key(data) not in _targets:
        return _absent("scalable target", data)
    known = _policies.get(_key(data, "PolicyName")) or {
        "PolicyARN": adapter.arn("autoscaling", f"scalingPolicy:{new_uuid()}:policyName/{data['PolicyName']}"),
        "CreationTime": time.time(),
        "PolicyType": "StepScaling",
    }
    policy = {**known, **data, "Alarms": []}
    _policies[_key(data, "PolicyName")] = policy
    return json_response({"PolicyARN": policy["PolicyARN"], "Alarms": []})


def _put_action(data: Data) -> Any:
    if _key(data) not in _targets:
        return _absent("scalable target", data)
    arn = adapter.arn("autoscaling", f"scheduledAction:{new_uuid()}:scheduledActionName/{data['ScheduledActionName']}")
    known = _actions.get(_key(data, "ScheduledActionName")) or {
        "ScheduledActionARN": arn,
        "CreationTime": time.time(),
    }
    _actions[_key(data, "ScheduledActionName")] = {**known, **data}
    return json_response({})


def _deleting(store: Any, name: str, what: str) -> Callable[[Data], Any]:
    def deleting(data: Data) -> Any:
        return json_response({}) if store.pop(_key(data, name), None) is not None else _absent(what, data)

    return deleting


def _tag(data: Data) -> Any:
    _tags[data["ResourceARN"]] = {**(_tags.get(data["ResourceARN"]) or {}), **data["Tags"]}
    return json_response({})


def _untag(data: Data) -> Any:
    kept = {k: v for k, v in (_tags.get(data["ResourceARN"]) or {}).items() if k not in data["TagKeys"]}
    _tags[data["ResourceARN"]] = kept
    return json_response({})


_BY_RESOURCE = ("ResourceId", "ScalableDimension")
OPERATIONS: dict[str, Callable[[Data], Any]] = {
    "RegisterScalableTarget": _register,
    "DeregisterScalableTarget": _deregister,
    "DescribeScalableTargets": _listing(_targets, "ScalableTargets", "ScalableDimension"),
    "PutScalingPolicy": _put_policy,
    "DeleteScalingPolicy": _deleting(_policies, "PolicyName", "scaling policy"),
    "DescribeScalingPolicies": _listing(_policies, "ScalingPolicies", *_BY_RESOURCE, names="PolicyNames"),
    "PutScheduledAction": _put_action,
    "DeleteScheduledAction": _deleting(_actions, "ScheduledActionName", "scheduled action"),
    "DescribeScheduledActions": _listing(_actions, "ScheduledActions", *_BY_RESOURCE, names="ScheduledActionNames"),
    "DescribeScalingActivities": _listing(_activities, "ScalingActivities", *_BY_RESOURCE),
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": lambda data: json_response({"Tags": _tags.get(data["ResourceARN"]) or {}}),
}


# --- MiniStack's interface of a service ------------------------------------------------------------------------------


async def handle_request(_method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Any) -> Any:
    """Answer a request, on a thread of its own, since it may call ECS."""
    name = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    operation = OPERATIONS.get(name)
    if operation is None:
        return error_response_json("UnknownOperationException", f"Unknown operation {name}", 400)
    return await run_reentrant(operation, json.loads(body or b"{}"), thread_name="localcloud-autoscaling")


def reset() -> None:
    """Delete all state."""
    for store in (_targets, _policies, _actions, _tags, _activities):
        store.clear()


def get_state() -> dict[str, Any]:
    """Returns no state, since none is persisted."""
    return {}


def load_persisted_state(_data: Any) -> None:
    """Do nothing, since no state is persisted."""


def install() -> None:
    """Register the service with MiniStack's router and with IAM."""
    router.SERVICE_PATTERNS[NAME] = {
        "target_prefixes": ["AnyScaleFrontendService"],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": NAME,
    }
    app.SERVICE_REGISTRY[NAME] = {"module": NAME}
    app._loaded_modules[NAME] = sys.modules[__name__]
    app.SERVICE_HANDLERS[NAME] = app._lazy_handler(NAME)
    app._state_map[NAME] = NAME
    iam_actions.SERVICE_TO_IAM_NAMESPACE[NAME] = NAME
