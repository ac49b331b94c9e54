"""The usage of containers: Fargate services, their cluster, the image registry."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Json, Resource
from slipway_cli.review.cost.use import UnknownUseError, Use, counted

_FREE_STORAGE_GB = 20  # docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html


def service(resource: Resource) -> Iterator[Use]:
    """Yields the usage of a service's tasks, at its initial task count."""
    task = resource.referred(resource.properties.get("TaskDefinition"))
    if not task:
        raise UnknownUseError("its task definition is in another stack")
    count = tasks(resource)
    cpu, memory = (_task_number(resource, task, key) / 1024 for key in ("Cpu", "Memory"))
    architecture = _architecture(task)
    hours = count * resource.assume.hours
    size = (
        f"{cpu.normalize():f} vCPU, {memory.normalize():f} GB ({architecture}{', Spot' if _on_spot(resource) else ''})"
    )
    price = "fargate-spot" if _on_spot(resource) else "fargate"
    what = f"{_name(resource)}: {counted(count, 'task')} of {size}"
    yield Use(what, f"{price}-vcpu-hour-{architecture}", hours * cpu, "vCPU-hours", note=_growth(resource, count))
    yield Use(f"{_name(resource)}: memory", f"{price}-gb-hour-{architecture}", hours * memory, "GB-hours")
    storage = resource.number(task.get("EphemeralStorage", {}).get("SizeInGiB", _FREE_STORAGE_GB)) or Decimal(0)
    if storage > _FREE_STORAGE_GB:
        more = storage - _FREE_STORAGE_GB
        yield Use(f"{_name(resource)}: disk over 20 GB", "fargate-storage-gb-hour", hours * more, "GB-hours")


def tasks(resource: Resource) -> Decimal:
    """Returns how many tasks a service runs once it has a release."""
    count = resource.number(resource.properties.get("DesiredCount", 1))
    if count is None:
        raise UnknownUseError("DesiredCount is known only after the deployment")
    return count


def cluster(resource: Resource) -> Iterator[Use]:
    """Yields the metrics of Container Insights, if the cluster enables it; they cost as much as custom metrics."""
    settings = {setting.get("Name"): setting.get("Value") for setting in resource.properties.get("ClusterSettings", [])}
    if settings.get("containerInsights") not in ("enabled", "enhanced"):
        return
    services = sum(1 for _ in resource.of_type("AWS::ECS::Service"))
    for_cluster, for_service = resource.assume.cluster_metrics, resource.assume.service_metrics
    metrics = for_cluster + services * for_service
    assumed = f"{for_cluster} metrics, and {for_service} for each of {services} services"
    yield Use("Container Insights", "metric-month", metrics, "metrics", assumed)


def registry(resource: Resource) -> Iterator[Use]:
    """Yields the storage of images."""
    gb = resource.assume.registry_gb
    yield Use(
        f"images: {resource.text('RepositoryName', resource.logical_id)}",
        "ecr-gb-month",
        gb,
        "GB",
        f"{gb} GB of images",
    )


def _on_spot(resource: Resource) -> bool:
    strategy = resource.properties.get("CapacityProviderStrategy", [])
    return any(item.get("CapacityProvider") == "FARGATE_SPOT" for item in strategy)


def _name(resource: Resource) -> str:
    return resource.text("ServiceName", resource.logical_id)


def _architecture(task: Json) -> str:
    return "arm64" if task.get("RuntimePlatform", {}).get("CpuArchitecture") == "ARM64" else "x86_64"


def _task_number(resource: Resource, task: Json, key: str) -> Decimal:
    value = resource.number(task.get(key))
    if value is None:
        raise UnknownUseError(f"{key} of its task definition is not a number")
    return value


def _growth(resource: Resource, count: Decimal) -> str:
    """Returns a note on the most tasks that scaling may start, which the estimate does not include."""
    for _, target in resource.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        if f"'{resource.logical_id}'" in str(target.get("ResourceId")):
            most = resource.number(target.get("MaxCapacity"))
            return f"scaling may increase it to {most}" if most and most > count else ""
    return ""
