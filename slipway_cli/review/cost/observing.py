"""The usage of observability: logs, alarms, dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.containers import tasks
from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import Use, counted

_COMPRESSED = Decimal(
    "0.15"
)  # the share that CloudWatch charges for storage, after compression: examples of its pricing page
_DAYS = Decimal(30)


def log_group(resource: Resource) -> Iterator[Use]:
    """Yields the ingested and the stored log data."""
    gb, sender = _sent(resource)
    days = resource.number(resource.properties.get("RetentionInDays")) or Decimal(3653)
    what = f"logs {resource.logical_id}"
    yield Use(f"{what}, ingested", "log-ingest-gb", gb, "GB", f"{gb} GB a month from {sender}")
    kept = gb * days / _DAYS * _COMPRESSED
    yield Use(f"{what}, stored", "log-stored-gb-month", kept, "GB", f"{days} days, compressed to 15%")


def alarm(resource: Resource) -> Iterator[Use]:
    """Yields the metrics of an alarm."""
    metrics = [metric for metric in resource.properties.get("Metrics", []) if "MetricStat" in metric]
    yield Use(f"alarm {resource.logical_id}", "alarm-metric-month", Decimal(len(metrics) or 1), "metrics")


def dashboard(_it: Resource) -> Iterator[Use]:
    """Yields a dashboard."""
    yield Use("dashboard", "dashboard-month", Decimal(1), "dashboards")


def _sent(resource: Resource) -> tuple[Decimal, str]:
    """Returns the GB that are sent to a log group per month, and the sender."""
    here = {"Ref": resource.logical_id}
    for _, properties in resource.of_type("AWS::EC2::FlowLog"):
        if properties.get("LogGroupName") == here:
            return resource.assume.log_gb, "flow logs"
    for logical_id, service in resource.of_type("AWS::ECS::Service"):
        for container in resource.referred(service.get("TaskDefinition")).get("ContainerDefinitions", []):
            if container.get("LogConfiguration", {}).get("Options", {}).get("awslogs-group") == here:
                definition = resource.template["Resources"][logical_id]
                count = tasks(Resource(logical_id, definition, resource.template, resource.assume))
                return count * resource.assume.log_gb, counted(count, "task")
    return resource.assume.small_log_gb, "a low-volume source"
