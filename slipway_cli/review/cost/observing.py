"""What watching uses: logs, alarms, dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.containers import tasks
from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import Use, counted

_PACKED = Decimal("0.15")  # of what was sent: how CloudWatch counts stored logs (its pricing page's examples)
_DAYS = Decimal(30)


def log_group(it: Resource) -> Iterator[Use]:
    """What is sent, and what is kept of it."""
    gb, who = _sent(it)
    days = it.number(it.properties.get("RetentionInDays")) or Decimal(3653)
    what = f"logs {it.logical_id}"
    yield Use(f"{what}, sent", "log-ingest-gb", gb, "GB", f"{gb} GB a month from {who}")
    kept = gb * days / _DAYS * _PACKED
    yield Use(f"{what}, kept", "log-stored-gb-month", kept, "GB", f"{days} days, packed to 15%")


def alarm(it: Resource) -> Iterator[Use]:
    """Each metric that an alarm looks at."""
    metrics = [each for each in it.properties.get("Metrics", []) if "MetricStat" in each]
    yield Use(f"alarm {it.logical_id}", "alarm-metric-month", Decimal(len(metrics) or 1), "metrics")


def dashboard(_it: Resource) -> Iterator[Use]:
    """A dashboard."""
    yield Use("dashboard", "dashboard-month", Decimal(1), "dashboards")


def _sent(it: Resource) -> tuple[Decimal, str]:
    """How much a group is sent, by who writes into it."""
    here = {"Ref": it.logical_id}
    for _, properties in it.of_type("AWS::EC2::FlowLog"):
        if properties.get("LogGroupName") == here:
            return it.assume.log_gb, "flow logs"
    for logical_id, service in it.of_type("AWS::ECS::Service"):
        for container in it.referred(service.get("TaskDefinition")).get("ContainerDefinitions", []):
            if container.get("LogConfiguration", {}).get("Options", {}).get("awslogs-group") == here:
                definition = it.template["Resources"][logical_id]
                count = tasks(Resource(logical_id, definition, it.template, it.assume))
                return count * it.assume.log_gb, counted(count, "task")
    return it.assume.small_log_gb, "what writes little"
