"""AWS::ApplicationAutoScaling::*, through the API of `localcloud.autoscaling.api`."""

from __future__ import annotations

from localcloud import adapter
from localcloud.adapter import Props, Result

SYMBOLS: tuple[str, ...] = ()

_API = "application-autoscaling"
_KEY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def _identifier(props: Props) -> str:
    return "|".join(str(props[name]) for name in ("ResourceId", "ScalableDimension", "ServiceNamespace"))


def _key(identifier: str) -> Props:
    resource, dimension, namespace = identifier.split("|")
    return {"ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension}


def create_target(_logical_id: str, props: Props, _stack_name: str) -> Result:
    """Register the target and its scheduled actions."""
    key = {name: props[name] for name in _KEY}
    adapter.call(_API, "register_scalable_target", props, ignore={"ScheduledActions"})
    for action in props.get("ScheduledActions") or ():
        adapter.call(_API, "put_scheduled_action", {**key, **action})
    return _identifier(props), {"Id": _identifier(props)}


def update_target(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
    """Update the target and delete removed scheduled actions; another resource or dimension replaces the target."""
    if _identifier(new) == physical_id:
        kept = {action["ScheduledActionName"] for action in new.get("ScheduledActions") or ()}
        for action in old.get("ScheduledActions") or ():
            if action["ScheduledActionName"] not in kept:
                adapter.client(_API).delete_scheduled_action(
                    **_key(physical_id), ScheduledActionName=action["ScheduledActionName"]
                )
    return create_target("", new, stack_name)


def delete_target(physical_id: str, _props: Props) -> None:
    """Deregister the target and its policies."""
    adapter.client(_API).deregister_scalable_target(**_key(physical_id))


def _policy(props: Props) -> Props:
    key = _key(props["ScalingTargetId"]) if props.get("ScalingTargetId") else {}
    return {**key, **adapter.without(props, "ScalingTargetId")}


def create_policy(_logical_id: str, props: Props, _stack_name: str) -> Result:
    """Create the policy; its physical ID is its ARN."""
    arn = str(adapter.call(_API, "put_scaling_policy", _policy(props))["PolicyARN"])
    return arn, {"Arn": arn}


def update_policy(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
    """Update the policy; another name, resource or dimension replaces it."""
    same = {name: _policy(old).get(name) == _policy(new).get(name) for name in (*_KEY, "PolicyName")}
    created = create_policy("", new, stack_name)
    return created if not all(same.values()) else (physical_id, {"Arn": physical_id})


def delete_policy(_physical_id: str, props: Props) -> None:
    """Delete the policy."""
    parameters = _policy(props)
    adapter.client(_API).delete_scaling_policy(**{name: parameters[name] for name in (*_KEY, "PolicyName")})


def install() -> None:
    """Register both resource types."""
    adapter.register("AWS::ApplicationAutoScaling::ScalableTarget", create_target, delete_target, update_target)
    adapter.register("AWS::ApplicationAutoScaling::ScalingPolicy", create_policy, delete_policy, update_policy)
