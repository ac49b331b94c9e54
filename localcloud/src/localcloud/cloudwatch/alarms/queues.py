"""Publishes the metric ApproximateNumberOfMessagesVisible of queues with an alarm; MiniStack has no SQS metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud import adapter

NAMESPACE, METRIC = "AWS/SQS", "ApproximateNumberOfMessagesVisible"
INTERVAL_SECONDS = 30.0  # AWS publishes every minute

_published: dict[str, float] = {}


def publish(alarm: Mapping[str, Any], now: float) -> None:
    """Publish the metric of the alarm's queue, if the alarm has one and the interval has passed."""
    if (alarm.get("Namespace"), alarm.get("MetricName")) != (NAMESPACE, METRIC):
        return
    dimensions = alarm.get("Dimensions") or ()
    name = next((dimension["Value"] for dimension in dimensions if dimension["Name"] == "QueueName"), "")
    key = str(alarm.get("AlarmArn"))
    if not name or now - _published.get(key, 0.0) < INTERVAL_SECONDS:
        return
    sqs = adapter.client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except ClientError:
        return  # the queue does not exist: no data, as on AWS
    depth = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    datum = {
        "MetricName": METRIC,
        "Dimensions": [{"Name": "QueueName", "Value": name}],
        "Timestamp": now,
        "Value": float(depth["ApproximateNumberOfMessages"]),
    }
    adapter.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    _published[key] = now
