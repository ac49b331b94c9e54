"""Cloud Map for services: each running task is an instance, and its containers resolve by the service's name.

Docker's own name server has an address for each container with a name; on AWS, Route 53 has one for each healthy task.
So here a name also resolves to a task that starts or stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ministack.services import ecs, servicediscovery

from localcloud import adapter

SYMBOLS = (
    "ministack.services.ecs:_build_run_kwargs",
    "ministack.services.ecs:_get_docker",
    "ministack.services.ecs:_services",
    "ministack.services.ecs:_tasks",
    "ministack.services.ecs:_task_ip",
    "ministack.services.ecs:_cluster_name_from_arn",
    "ministack.services.servicediscovery:_instances",
    "ministack.services.servicediscovery:_namespaces",
    "ministack.services.servicediscovery:_services",
)

Task = Mapping[str, Any]
_DNS = ("DNS_PRIVATE", "DNS_PUBLIC")


def _registries(service: Mapping[str, Any]) -> list[str]:
    """Returns the ids of the Cloud Map services in which a service of ECS registers its tasks."""
    arns = [str(registry.get("registryArn", "")) for registry in service.get("serviceRegistries") or ()]
    return [identifier for arn in arns if (identifier := arn.rpartition("/")[2]) in servicediscovery._services]


def names(task: Task) -> list[str]:
    """Returns the names of a task's service in the private domains of Cloud Map."""
    name = str(task.get("group", "")).removeprefix("service:")
    service = ecs._services.get(f"{ecs._cluster_name_from_arn(task['clusterArn'])}/{name}") or {}
    found = []
    for identifier in _registries(service):
        registry = servicediscovery._services[identifier]
        namespace = servicediscovery._namespaces.get(registry["NamespaceId"]) or {}
        if namespace.get("Type") in _DNS:
            found.append(f"{registry['Name']}.{namespace['Name']}")
    return found


def reconcile(service: Mapping[str, Any], tasks: Iterable[Task]) -> None:
    """Registers the running tasks of a service, and removes those that run no longer."""
    for identifier in _registries(service):
        wanted = {
            str(task["taskArn"]).rpartition("/")[2]: address
            for task in tasks
            if task["lastStatus"] == "RUNNING" and (address := ecs._task_ip(task))
        }
        known = set(servicediscovery._instances.get(identifier) or ())
        if wanted.keys() == known:
            continue
        cloud_map = adapter.client("servicediscovery")
        for name in sorted(wanted.keys() - known):
            attributes = {"AWS_INSTANCE_IPV4": str(wanted[name]), "ECS_SERVICE_NAME": str(service["serviceName"])}
            cloud_map.register_instance(ServiceId=identifier, InstanceId=name, Attributes=attributes)
        for name in sorted(known - wanted.keys()):
            cloud_map.deregister_instance(ServiceId=identifier, InstanceId=name)


def _name(arguments: dict[str, Any]) -> None:
    """Gives a container the names of its service, for the containers of the same network."""
    task = ecs._tasks.get(arguments["labels"]["com.amazonaws.ecs.task-arn"])
    network = arguments.get("network")
    found = names(task) if task and network else []
    if found:
        endpoint = ecs._get_docker().api.create_endpoint_config(aliases=found)
        arguments["networking_config"] = {network: endpoint}


def install() -> None:
    """Name each container when it is created. The scheduler registers the tasks."""
    original = ecs._build_run_kwargs

    def arguments(*given: Any, **named: Any) -> dict[str, Any]:
        built: dict[str, Any] = original(*given, **named)
        _name(built)
        return built

    ecs._build_run_kwargs = arguments
