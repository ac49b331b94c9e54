"""AWS::ECS::TaskDefinition and AWS::ECS::Service with every property; stack operations wait for the deployment."""

from __future__ import annotations

import os
import time
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecs

from localcloud import adapter
from localcloud.adapter import Props, Result

SYMBOLS = (
    "ministack.core.responses:error_response_json",
    "ministack.services.ecs:_ACTION_MAP",
    "ministack.services.ecs:_resolve_cluster_name",
    "ministack.services.ecs:_services",
)

WAIT_SECONDS = float(os.environ.get("LOCALCLOUD_ECS_WAIT_SECONDS", "600"))
#: Members of CreateService and UpdateService that MiniStack does not store.
_STORED = (
    "availabilityZoneRebalancing",
    "enableECSManagedTags",
    "placementConstraints",
    "placementStrategy",
    "propagateTags",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
_CREATE_ONLY = ("Cluster", "Role", "SchedulingStrategy", "ServiceName")  # the schema of AWS::ECS::Service, 2026-10-20
_CREATE_ONLY_MEMBERS = ("Cluster", "LaunchType", "Role", "SchedulingStrategy", "ServiceName", "Tags")


class ServiceError(ValueError):
    """A deployment did not reach its steady state."""


# --- task definitions ------------------------------------------------------------------------------------------------


def create_definition(logical_id: str, props: Props, stack_name: str) -> Result:
    """Register a revision of the task definition."""
    family = props.get("Family") or adapter.physical_name(stack_name, logical_id, max_len=255)
    answer = adapter.call("ecs", "register_task_definition", {**props, "Family": family})
    arn = str(answer["taskDefinition"]["taskDefinitionArn"])
    return arn, {"TaskDefinitionArn": arn}


def update_definition(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
    """Register a new revision, unless only the tags change."""
    if adapter.without(old, "Tags") == adapter.without(new, "Tags"):
        tags = [{"key": key, "value": value} for key, value in adapter.tags(new.get("Tags")).items()]
        adapter.client("ecs").tag_resource(resourceArn=physical_id, tags=tags)
        return physical_id, {"TaskDefinitionArn": physical_id}
    return create_definition(adapter.logical_id_of(physical_id), new, stack_name)


def delete_definition(physical_id: str, _props: Props) -> None:
    """Deregister the revision."""
    adapter.client("ecs").deregister_task_definition(taskDefinition=physical_id)


# --- services --------------------------------------------------------------------------------------------------------


def create_service(logical_id: str, props: Props, stack_name: str) -> Result:
    """Create the service and wait for its steady state; delete it if that fails."""
    name = props.get("ServiceName") or adapter.physical_name(stack_name, logical_id, max_len=255)
    cluster = props.get("Cluster", "default")
    service = adapter.call("ecs", "create_service", {**props, "ServiceName": name, "Cluster": cluster})["service"]
    try:
        _wait(cluster, name, service["deployments"][0]["id"])
    except Exception:
        _delete(cluster, name)  # the rollback cannot: it has no physical ID
        raise
    return str(service["serviceArn"]), {"ServiceArn": service["serviceArn"], "Name": name}


def update_service(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
    """Update the service and wait; a changed create-only property replaces it."""
    if adapter.changed(old, new, *_CREATE_ONLY):
        return adapter.replace(create_service, adapter.logical_id_of(physical_id), new, stack_name)
    cluster, name = new.get("Cluster", "default"), physical_id.rsplit("/", 1)[-1]
    members = adapter.without(new, *_CREATE_ONLY_MEMBERS)
    if adapter.changed(old, new, "CapacityProviderStrategy"):
        members |= {"CapacityProviderStrategy": new.get("CapacityProviderStrategy", []), "ForceNewDeployment": True}
    service = adapter.call("ecs", "update_service", {**members, "service": name, "cluster": cluster})["service"]
    _sync_tags(physical_id, old, new)
    primary = next(known for known in service["deployments"] if known["status"] == "PRIMARY")
    _wait(cluster, name, primary["id"])
    return physical_id, {"ServiceArn": physical_id, "Name": name}


def delete_service(physical_id: str, props: Props) -> None:
    """Delete the service and wait until its last container has ended."""
    _delete(props.get("Cluster", "default"), physical_id.rsplit("/", 1)[-1])


def _delete(cluster: str, name: str) -> None:
    api = adapter.client("ecs")
    with adapter.ignore_not_found():
        api.delete_service(cluster=cluster, service=name, force=True)
    adapter.wait_until(lambda: not _unfinished(cluster, name), f"the end of the tasks of {name}", seconds=180)


def _unfinished(cluster: str, name: str) -> list[str]:
    api = adapter.client("ecs")
    found: list[str] = []
    for wanted in ("RUNNING", "STOPPED"):
        with adapter.ignore_not_found():
            found += api.list_tasks(cluster=cluster, serviceName=name, desiredStatus=wanted)["taskArns"]
    tasks = [task for start in range(0, len(found), 100) for task in _describe(cluster, found[start : start + 100])]
    return [task["taskArn"] for task in tasks if task["lastStatus"] != "STOPPED"]


def _describe(cluster: str, arns: list[str]) -> list[dict[str, Any]]:
    return list(adapter.client("ecs").describe_tasks(cluster=cluster, tasks=arns)["tasks"])


def _wait(cluster: str, name: str, deployment_id: str) -> None:
    """Waits for a deployment to complete.

    Raises:
        ServiceError: with the reason, if it failed, was replaced by another one, or took too long.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    reason = "the deployment was replaced by another one"
    while time.monotonic() < deadline:
        service = adapter.client("ecs").describe_services(cluster=cluster, services=[name])["services"][0]
        mine = next((known for known in service["deployments"] if known["id"] == deployment_id), None)
        state = mine.get("rolloutState") if mine else "FAILED"
        if mine and state == "COMPLETED" and mine["status"] == "PRIMARY":
            return
        if state == "FAILED" or (mine and mine["status"] != "PRIMARY"):
            reason = (mine or {}).get("rolloutStateReason") or reason
            raise ServiceError(
                "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit "
                f"Breaker was triggered'.\" ({name}: {reason})"
            )
        time.sleep(0.1)
    raise ServiceError(f"service {name} did not stabilize within {WAIT_SECONDS:g} s: {service['events'][:1]}")


def _sync_tags(arn: str, old: Props, new: Props) -> None:
    before, after = adapter.tags(old.get("Tags")), adapter.tags(new.get("Tags"))
    api = adapter.client("ecs")
    if removed := sorted(set(before) - set(after)):
        api.untag_resource(resourceArn=arn, tagKeys=removed)
    if before != after and after:
        api.tag_resource(resourceArn=arn, tags=[{"key": key, "value": value} for key, value in after.items()])


# --- installation ----------------------------------------------------------------------------------------------------


def _store_members(action: str) -> None:
    """Store the members of the request that MiniStack ignores."""
    original = ecs._ACTION_MAP[action]

    def storing(data: dict[str, Any]) -> Any:
        name = str(data.get("serviceName") or data.get("service") or "").rsplit("/", 1)[-1]
        if data.get("capacityProviderStrategy") == []:  # back to a launch type, which MiniStack takes for EC2
            for service in _active(name):
                service["launchType"] = service.get("launchType") or "FARGATE"
        answer = original(data)
        for service in _active(name):
            service.update({member: data[member] for member in _STORED if member in data})
        return answer

    ecs._ACTION_MAP[action] = storing


def _refuse_inactive() -> None:
    """Refuse to update services that were deleted, as ECS does: an update would go unnoticed."""
    original = ecs._ACTION_MAP["UpdateService"]

    def updating(data: dict[str, Any]) -> Any:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        name = str(data.get("service") or "").rsplit("/", 1)[-1]
        service = ecs._services.get(f"{cluster}/{name}")
        if service and service["status"] != "ACTIVE":
            return error_response_json("ServiceNotActiveException", "Service was not ACTIVE.", 400)
        return original(data)

    ecs._ACTION_MAP["UpdateService"] = updating


def _active(name: str) -> list[dict[str, Any]]:
    return [
        service
        for key, service in ecs._services.items()
        if key.rsplit("/", 1)[-1] == name and service["status"] == "ACTIVE"
    ]


def install() -> None:
    """Register both resource types."""
    for action in ("CreateService", "UpdateService"):
        _store_members(action)
    _refuse_inactive()
    adapter.override(
        "AWS::ECS::TaskDefinition", create=create_definition, update=update_definition, delete=delete_definition
    )
    adapter.override(
        "AWS::ECS::Service",
        create=create_service,
        update=update_service,
        delete=delete_service,
        send_back_failed_update=True,
    )
