"""AWS::AutoScaling::AutoScalingGroup, through the API: it is complete when its instances are in service."""

from __future__ import annotations

from typing import Any

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

_TYPE = "AWS::AutoScaling::AutoScalingGroup"
_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")
_KEPT = (
    *_SIZES,
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "LaunchTemplate",
    "DefaultCooldown",
    "TerminationPolicies",
)
_REFUSED = ("InstanceId", "LaunchConfigurationName", "LoadBalancerNames", "MixedInstancesPolicy", "PlacementGroup")
_SECONDS = 600


def _wanted(props: adapter.Props) -> adapter.Props:
    wanted = {name: props[name] for name in _KEPT if props.get(name) not in (None, "")}
    wanted |= {name: int(wanted[name]) for name in _SIZES if name in wanted}
    zones = props.get("VPCZoneIdentifier") or []
    if zones:
        wanted["VPCZoneIdentifier"] = ",".join(zones) if isinstance(zones, list) else zones
    return wanted


def _tags(name: str, props: adapter.Props) -> list[dict[str, Any]]:
    return [
        {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": tag["Key"],
            "Value": str(tag.get("Value", "")),
            "PropagateAtLaunch": adapter.boolean(tag.get("PropagateAtLaunch", False)),
        }
        for tag in props.get("Tags") or []
    ]


def _group(name: str) -> dict[str, Any]:
    found = adapter.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    return dict(found[0]) if found else {}


def _in_service(name: str) -> bool:
    group = _group(name)
    ready = [instance for instance in group["Instances"] if instance["LifecycleState"] == "InService"]
    return bool(len(ready) == group["DesiredCapacity"] == len(group["Instances"]))


def _attributes(name: str) -> dict[str, Any]:
    return {"AutoScalingGroupARN": _group(name).get("AutoScalingGroupARN", "")}


def _create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    completion.refuse(_TYPE, props, _REFUSED)
    name = props.get("AutoScalingGroupName") or adapter.physical_name(stack_name, logical_id, max_len=255)
    api = adapter.client("autoscaling")
    wanted = {**_wanted(props), "TargetGroupARNs": props.get("TargetGroupARNs") or [], "Tags": _tags(name, props)}
    adapter.call("autoscaling", "create_auto_scaling_group", {"AutoScalingGroupName": name, **wanted})
    try:
        adapter.wait_until(lambda: _in_service(name), f"the start of the instances of {name}", _SECONDS, every=0.5)
    except TimeoutError as error:
        seen = api.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
        error.add_note(str(seen[:1]))
        _delete(name, props)
        raise
    return name, _attributes(name)


def _update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "AutoScalingGroupName"):
        return adapter.replace(_create, adapter.logical_id_of(name), new, stack_name)
    completion.refuse(_TYPE, new, _REFUSED)
    api = adapter.client("autoscaling")
    adapter.call("autoscaling", "update_auto_scaling_group", {"AutoScalingGroupName": name, **_wanted(new)})
    before, after = (set(props.get("TargetGroupARNs") or []) for props in (old, new))
    if after - before:
        api.attach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=sorted(after - before))
    if before - after:
        api.detach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=sorted(before - after))
    gone = {tag["Key"] for tag in _tags(name, old)} - {tag["Key"] for tag in _tags(name, new)}
    if gone:
        api.delete_tags(Tags=[tag for tag in _tags(name, old) if tag["Key"] in gone])
    if new.get("Tags"):
        api.create_or_update_tags(Tags=_tags(name, new))
    adapter.wait_until(lambda: _in_service(name), f"the instances of {name} in service", _SECONDS, every=0.5)
    return name, _attributes(name)


def _delete(name: str, _props: adapter.Props) -> None:
    api = adapter.client("autoscaling")
    if not _group(name):
        return
    api.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=0, MaxSize=0, DesiredCapacity=0)
    adapter.wait_until(
        lambda: not _group(name)["Instances"], f"the end of the instances of {name}", _SECONDS, every=0.5
    )
    api.delete_auto_scaling_group(AutoScalingGroupName=name)


def install() -> None:
    """Replace MiniStack's type, which only records groups."""
    adapter.register(_TYPE, _create, _delete, _update)
