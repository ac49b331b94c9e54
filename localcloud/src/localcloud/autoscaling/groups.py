"""EC2 Auto Scaling: groups keep the number of instances that they should have. One thread looks after all groups.

A group launches its launch template's version, registers what runs in its target groups, and replaces an instance that
does not run any more (health check EC2) or that a target group finds unhealthy (health check ELB).
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import autoscaling, ec2

from localcloud import adapter
from localcloud.elbv2 import instances as targets

SYMBOLS: tuple[str, ...] = (
    *(
        f"ministack.services.autoscaling:{name}"
        for name in ("_ACTION_MAP", "_asgs", "_error", "_p", "_parse_member_list", "_reconcile_instances", "_xml")
    ),
    "ministack.services.ec2:_instances",
    "ministack.services.ec2:_subnets",
)

_TICK_SECONDS = 0.5
_RETRY_SECONDS = 5.0
_BAD = 400
_ENDED = ("terminated", "")
_GROUPS = "TargetGroupARNs"
Record = dict[str, Any]
logger = logging.getLogger("localcloud")


class _Keeper:
    """The thread that looks after the groups."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self.wake = threading.Event()

    def start(self) -> None:
        """Starts the thread once, and makes it look now."""
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="localcloud-autoscaling")
                self._thread.start()
        self.wake.set()

    def _run(self) -> None:
        while True:
            self.wake.wait(_TICK_SECONDS)
            self.wake.clear()
            _end_orphans()
            for (account, region, _name), group in autoscaling._asgs.all_items():
                with request_scope(account, region):
                    try:
                        _reconcile(group)
                    except (ClientError, OSError):
                        logger.exception("auto scaling group %s", group["AutoScalingGroupName"])


_keeper = _Keeper()
_orphans: list[tuple[str, str, str]] = []
"""Account, region and ID of instances whose group was deleted by force."""


def _end_orphans() -> None:
    while _orphans:
        account, region, instance_id = _orphans.pop()
        with request_scope(account, region):
            if _state(instance_id) not in (*_ENDED, "shutting-down"):
                adapter.client("ec2").terminate_instances(InstanceIds=[instance_id])


# --- one group -------------------------------------------------------------------------------------------------------


def _state(instance_id: str) -> str:
    return str((ec2._instances.get(instance_id) or {}).get("State", {}).get("Name", ""))


def _reconcile(group: Record) -> None:
    for instance in list(group["Instances"]):
        _look(group, instance)
    kept = [instance for instance in group["Instances"] if instance["LifecycleState"] != "Terminating"]
    for instance in kept[: max(0, len(kept) - group["DesiredCapacity"])]:
        _end(group, instance, "a user request, to shrink the capacity")
    if len(kept) < group["DesiredCapacity"] and time.monotonic() >= group.get("_retry", 0.0):
        _launch(group)


def _look(group: Record, instance: Record) -> None:
    state = _state(instance["InstanceId"])
    if instance["LifecycleState"] == "Terminating":
        _continue_end(group, instance, state)
    elif "_ending" in instance:
        _end(group, instance, instance["_ending"])
    elif state == "running" and instance["LifecycleState"] == "Pending":
        instance["LifecycleState"], instance["_since"] = "InService", time.monotonic()
        _sync_targets(group, instance)
        _activity(group, f"Launching a new EC2 instance: {instance['InstanceId']}")
    elif state not in ("pending", "running"):
        instance["HealthStatus"] = "Unhealthy"
        _end(
            group, instance, f"an EC2 health check indicated it has been taken out of service: {state or 'terminated'}"
        )
    elif instance["LifecycleState"] == "InService":
        _sync_targets(group, instance)
        if _unhealthy_target(group, instance):
            instance["HealthStatus"] = "Unhealthy"
            _end(group, instance, "an ELB system health check failure")


def _unhealthy_target(group: Record, instance: Record) -> bool:
    if "ELB" not in group["HealthCheckType"]:
        return False
    if time.monotonic() - instance["_since"] < group["HealthCheckGracePeriod"]:
        return False
    return any(targets.state(arn, instance["InstanceId"]) == "unhealthy" for arn in group.get(_GROUPS, []))


def _end(group: Record, instance: Record, why: str) -> None:
    """Takes an instance out of the group: first out of its target groups, then it is terminated."""
    instance["LifecycleState"] = "Terminating"
    _activity(
        group, f"Terminating EC2 instance: {instance['InstanceId']}", f"an instance was terminated because of {why}"
    )
    if _state(instance["InstanceId"]) == "running":
        for arn in group.get(_GROUPS, []):
            _target(arn, instance, "deregister_targets")
    _continue_end(group, instance, _state(instance["InstanceId"]))


def _continue_end(group: Record, instance: Record, state: str) -> None:
    instance_id = instance["InstanceId"]
    if state in _ENDED:
        group["Instances"].remove(instance)
    elif state == "running" and any(targets.is_registered(arn, instance_id) for arn in group.get(_GROUPS, [])):
        return  # it drains
    elif state != "shutting-down":
        adapter.client("ec2").terminate_instances(InstanceIds=[instance_id])


def _sync_targets(group: Record, instance: Record) -> None:
    """Registers an instance in the group's target groups, and in no others; once each, as users may deregister it."""
    wanted, known = set(group.get(_GROUPS, [])), instance.setdefault("_registered", set())
    for arn in wanted - known:
        _target(arn, instance, "register_targets")
    for arn in known - wanted:
        _target(arn, instance, "deregister_targets")
    instance["_registered"] = wanted


def _target(arn: str, instance: Record, operation: str) -> None:
    try:
        getattr(adapter.client("elbv2"), operation)(TargetGroupArn=arn, Targets=[{"Id": instance["InstanceId"]}])
    except ClientError as error:
        if not adapter.not_found(error):
            raise


def _subnet(group: Record) -> str:
    """Returns the subnet of the group in which the fewest of its instances are."""
    listed = [subnet.strip() for subnet in group["VPCZoneIdentifier"].split(",") if subnet.strip()]
    used = [(ec2._instances.get(i["InstanceId"]) or {}).get("SubnetId") for i in group["Instances"]]
    return min(listed, key=used.count, default="")


def _launch(group: Record) -> None:
    template = group.get("LaunchTemplate") or {}
    reference = str(template.get("LaunchTemplateId") or "")
    kind = "LaunchTemplateId" if reference.startswith("lt-") else "LaunchTemplateName"
    wanted: Record = {"MinCount": 1, "MaxCount": 1}
    wanted["LaunchTemplate"] = {kind: reference, "Version": str(template.get("Version") or "$Default")}
    if subnet := _subnet(group):
        wanted["SubnetId"] = subnet
    own = {"aws:autoscaling:groupName": group["AutoScalingGroupName"]}
    own |= {tag["Key"]: tag["Value"] for tag in group["Tags"] if tag.get("PropagateAtLaunch")}
    tags = [{"Key": key, "Value": value} for key, value in own.items()]
    wanted["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tags}]
    try:
        made = adapter.client("ec2").run_instances(**wanted)["Instances"][0]
    except ClientError as error:
        group["_retry"] = time.monotonic() + _RETRY_SECONDS
        _activity(group, "Launching a new EC2 instance", str(error), status="Failed")
        return
    group["Instances"].append(
        {
            "InstanceId": made["InstanceId"],
            "LifecycleState": "Pending",
            "HealthStatus": "Healthy",
            "AvailabilityZone": made["Placement"]["AvailabilityZone"],
            "ProtectedFromScaleIn": bool(group["NewInstancesProtectedFromScaleIn"]),
            "LaunchTemplate": template,
            "LaunchConfigurationName": "",
        }
    )
    _keeper.wake.set()


def _activity(group: Record, description: str, cause: str = "", status: str = "Successful") -> None:
    group.setdefault("_activities", []).insert(0, _made(description, cause, status))
    del group["_activities"][100:]


def _made(description: str, cause: str, status: str) -> Record:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "ActivityId": str(uuid.uuid4()),
        "Description": description,
        "StatusCode": status,
        "Cause": cause,
        "Time": now,
    }


# --- the API ---------------------------------------------------------------------------------------------------------


def _after(action: str, change: Any = None) -> None:
    """Lets the keeper look at a group after MiniStack has changed its record, and ``change`` what it leaves out."""
    original = autoscaling._ACTION_MAP[action]

    def handle(params: Any) -> Any:
        if refused := _out_of_bounds(params):
            return refused
        answer = original(params)
        group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName"))
        if answer[0] < _BAD and group is not None:
            if change is not None:
                change(params, group)
            _keeper.start()
        return answer

    autoscaling._ACTION_MAP[action] = handle


def _out_of_bounds(params: Any) -> Any:
    group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName")) or {}
    smallest, wanted, largest = (
        int(autoscaling._p(params, name) or group.get(name) or 0) for name in ("MinSize", "DesiredCapacity", "MaxSize")
    )
    if wanted and autoscaling._p(params, "DesiredCapacity") and not smallest <= wanted <= largest:
        message = f"New SetDesiredCapacity value {wanted} is not between min value {smallest} and max value {largest}."
        return autoscaling._error("ValidationError", message)
    return None


def _changed(params: Any, group: Record) -> None:
    """Reads the parameters that MiniStack ignores."""
    if arns := autoscaling._parse_member_list(params, _GROUPS):
        group[_GROUPS] = arns
    reference = autoscaling._p(params, "LaunchTemplate.LaunchTemplateId")
    reference = reference or autoscaling._p(params, "LaunchTemplate.LaunchTemplateName")
    if reference:
        version = autoscaling._p(params, "LaunchTemplate.Version") or "$Default"
        names = [t["LaunchTemplateName"] for t in ec2._launch_templates.values() if t["LaunchTemplateId"] == reference]
        name = (names or [reference])[0]
        group["LaunchTemplate"] = {"LaunchTemplateId": reference, "LaunchTemplateName": name, "Version": version}
    group["DesiredCapacity"] = min(max(group["DesiredCapacity"], group["MinSize"]), group["MaxSize"])


def _terminate(params: Any) -> Any:
    instance_id = autoscaling._p(params, "InstanceId")
    for group in autoscaling._asgs.values():
        for instance in group["Instances"]:
            if instance["InstanceId"] == instance_id:
                if str(autoscaling._p(params, "ShouldDecrementDesiredCapacity")).lower() == "true":
                    group["DesiredCapacity"] = max(group["MinSize"], group["DesiredCapacity"] - 1)
                instance["_ending"] = "a user request"  # the keeper does the rest: a handler may not call the API
                _keeper.wake.set()
                begun = _made(f"Terminating EC2 instance: {instance_id}", "a user request", "InProgress")
                shown = _activity_xml(group, begun).replace("member>", "Activity>")
                result = (
                    f"<TerminateInstanceInAutoScalingGroupResult>{shown}</TerminateInstanceInAutoScalingGroupResult>"
                )
                return autoscaling._xml(200, "TerminateInstanceInAutoScalingGroupResponse", result)
    return autoscaling._error("ValidationError", f"Instance Id not found - No managed instance found for {instance_id}")


def _activity_xml(group: Record, activity: Record) -> str:
    values = {
        "ActivityId": activity["ActivityId"],
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "Cause": activity["Cause"] or "the group's desired capacity",
        "Description": activity["Description"],
        "StartTime": activity["Time"],
        "EndTime": activity["Time"],
        "StatusCode": activity["StatusCode"],
        "StatusMessage": activity["Cause"] if activity["StatusCode"] == "Failed" else "",
        "Progress": "100",
    }
    return "<member>" + "".join(f"<{k}>{_escaped(v)}</{k}>" for k, v in values.items()) + "</member>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _activities(params: Any) -> Any:
    name = autoscaling._p(params, "AutoScalingGroupName")
    groups = [group for group in autoscaling._asgs.values() if name in ("", group["AutoScalingGroupName"])]
    members = "".join(_activity_xml(group, a) for group in groups for a in group.get("_activities", []))
    result = f"<DescribeScalingActivitiesResult><Activities>{members}</Activities></DescribeScalingActivitiesResult>"
    return autoscaling._xml(200, "DescribeScalingActivitiesResponse", result)


def _delete(params: Any) -> Any:
    group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName"))
    if group and group["Instances"]:
        if str(autoscaling._p(params, "ForceDelete")).lower() != "true":
            message = (
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s)"
            )
            return autoscaling._error("ResourceInUse", message)
        place = (get_account_id(), get_region())
        _orphans.extend((*place, instance["InstanceId"]) for instance in group["Instances"])
        _keeper.wake.set()
    return _delete_original(params)


def _describing() -> None:
    original = autoscaling._ACTION_MAP["DescribeAutoScalingGroups"]

    def describe(params: Any) -> Any:
        status, headers, body = original(params)

        def more(match: re.Match[str]) -> str:
            group = autoscaling._asgs.get(match[1]) or {}
            arns = "".join(f"<member>{arn}</member>" for arn in group.get(_GROUPS, []))
            return f"{match[0]}<{_GROUPS}>{arns}</{_GROUPS}>"

        shown = re.sub(r"<member><AutoScalingGroupName>([^<]*)</AutoScalingGroupName>", more, body.decode())
        return status, headers, shown.encode()

    autoscaling._ACTION_MAP["DescribeAutoScalingGroups"] = describe


def _attaching(action: str, *, attach: bool) -> None:
    def handle(params: Any) -> Any:
        group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName"))
        if group is None:
            return autoscaling._error("ValidationError", "AutoScalingGroup name not found")
        arns = autoscaling._parse_member_list(params, _GROUPS)
        old = group.get(_GROUPS, [])
        group[_GROUPS] = (
            [*old, *(arn for arn in arns if arn not in old)] if attach else [a for a in old if a not in arns]
        )
        _keeper.wake.set()
        return autoscaling._xml(200, f"{action}Response", f"<{action}Result/>")

    autoscaling._ACTION_MAP[action] = handle


_delete_original = autoscaling._ACTION_MAP["DeleteAutoScalingGroup"]


def install() -> None:
    """Replace MiniStack's handlers, which only record groups."""
    autoscaling._reconcile_instances = lambda _group: None
    _after("CreateAutoScalingGroup", _changed)
    _after("UpdateAutoScalingGroup", _changed)
    _after("SetDesiredCapacity")
    autoscaling._ACTION_MAP["DeleteAutoScalingGroup"] = _delete
    autoscaling._ACTION_MAP["TerminateInstanceInAutoScalingGroup"] = _terminate
    autoscaling._ACTION_MAP["DescribeScalingActivities"] = _activities
    _attaching("AttachLoadBalancerTargetGroups", attach=True)
    _attaching("DetachLoadBalancerTargetGroups", attach=False)
    _describing()
