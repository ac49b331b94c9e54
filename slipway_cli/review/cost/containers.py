"""What containers use: Fargate services, their cluster, the image registry."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Json, Resource
from slipway_cli.review.cost.use import UnknownUseError, Use, counted

_FREE_STORAGE_GB = 20  # docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html


def service(resource: Resource) -> Iterator[Use]:
    """The tasks of a service, at the count it starts with."""
    task = resource.referred(resource.properties.get("TaskDefinition"))
    if not task:
        raise UnknownUseError("its task definition is in another stack")
    count, cpu, memory = tasks(resource), _of(resource, task, "Cpu") / 1024, _of(resource, task, "Memory") / 1024
    chip = _chip(task)
    hours = count * resource.assume.hours
    what = (
        f"{_name(resource)}: {counted(count, 'task')} of {cpu.normalize():f} vCPU, {memory.normalize():f} GB ({chip})"
    )
    yield Use(what, f"fargate-vcpu-hour-{chip}", hours * cpu, "vCPU-hours", note=_growth(resource, count))
    yield Use(f"{_name(resource)}: their memory", f"fargate-gb-hour-{chip}", hours * memory, "GB-hours")
    storage = resource.number(task.get("EphemeralStorage", {}).get("SizeInGiB", _FREE_STORAGE_GB)) or Decimal(0)
    if storage > _FREE_STORAGE_GB:
        more = storage - _FREE_STORAGE_GB
        yield Use(f"{_name(resource)}: disk over 20 GB", "fargate-storage-gb-hour", hours * more, "GB-hours")


def tasks(resource: Resource) -> Decimal:
    """How many tasks a service runs once it has a release."""
    count = resource.number(resource.properties.get("DesiredCount", 1))
    if count is None:
        raise UnknownUseError("DesiredCount is known only when it is deployed")
    return count


def cluster(resource: Resource) -> Iterator[Use]:
    """Container Insights, where the cluster has it on: metrics at the price of custom ones."""
    settings = {setting.get("Name"): setting.get("Value") for setting in resource.properties.get("ClusterSettings", [])}
    if settings.get("containerInsights") not in ("enabled", "enhanced"):
        return
    services = sum(1 for _ in resource.of_type("AWS::ECS::Service"))
    metrics = resource.assume.cluster_metrics + services * resource.assume.service_metrics
    assumed = f"{resource.assume.cluster_metrics} metrics, and {resource.assume.service_metrics} for each of {services} services"
    yield Use("Container Insights", "metric-month", metrics, "metrics", assumed)


def registry(resource: Resource) -> Iterator[Use]:
    """Images kept."""
    gb = resource.assume.registry_gb
    yield Use(
        f"images: {resource.text('RepositoryName', resource.logical_id)}",
        "ecr-gb-month",
        gb,
        "GB",
        f"{gb} GB of images",
    )


def _name(resource: Resource) -> str:
    return resource.text("ServiceName", resource.logical_id)


def _chip(task: Json) -> str:
    return "arm64" if task.get("RuntimePlatform", {}).get("CpuArchitecture") == "ARM64" else "x86_64"


def _of(resource: Resource, task: Json, key: str) -> Decimal:
    value = resource.number(task.get(key))
    if value is None:
        raise UnknownUseError(f"{key} of its task definition is not a number")
    return value


def _growth(resource: Resource, count: Decimal) -> str:
    """How far scaling may take it: not in the figure, but in the reader's mind."""
    for _, target in resource.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        if f"'{resource.logical_id}'" in str(target.get("ResourceId")):
            most = resource.number(target.get("MaxCapacity"))
            return f"scaling may take it to {most}" if most and most > count else ""
    return ""
