"""Publishes samples of AWS/ECS CPUUtilization for services with an alarm on their number: one for each running task.

The utilization itself is not measured: each sample is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud import adapter

NAMESPACE, METRIC = "AWS/ECS", "CPUUtilization"
_MINUTE = 60

_published: dict[str, int] = {}


def publish(alarm: Mapping[str, Any], now: float) -> None:
    """Publish the samples of the current minute, once, if the alarm counts them."""
    if (alarm.get("Namespace"), alarm.get("MetricName"), alarm.get("Statistic")) != (NAMESPACE, METRIC, "SampleCount"):
        return
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions") or ()}
    key, minute = str(alarm.get("AlarmArn")), int(now // _MINUTE)
    if set(dimensions) != {"ClusterName", "ServiceName"} or _published.get(key) == minute:
        return
    running = _running(dimensions["ClusterName"], dimensions["ServiceName"])
    if not running:
        return  # no task sends a sample: no data, as on AWS
    datum = {
        "MetricName": METRIC,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Timestamp": now,
        "Values": [0.0],
        "Counts": [float(running)],
    }
    adapter.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    _published[key] = minute


def _running(cluster: str, service: str) -> int:
    ecs = adapter.client("ecs")
    try:
        found = ecs.describe_services(cluster=cluster, services=[service])["services"]
    except ecs.exceptions.ClusterNotFoundException:
        return 0
    return sum(int(described["runningCount"]) for described in found if described["status"] == "ACTIVE")
