"""The depth of queues as a metric, for the alarms that look at it: MiniStack publishes none for SQS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud import adapter

NAMESPACE, METRIC = "AWS/SQS", "ApproximateNumberOfMessagesVisible"
EVERY_SECONDS = 30.0  # AWS publishes each minute

_published: dict[str, float] = {}


def publish(alarm: Mapping[str, Any], now: float) -> None:
    """Publish the depth of the queue that the alarm looks at, if it looks at one and that is due."""
    if (alarm.get("Namespace"), alarm.get("MetricName")) != (NAMESPACE, METRIC):
        return
    name = next((each["Value"] for each in alarm.get("Dimensions") or () if each["Name"] == "QueueName"), "")
    key = str(alarm.get("AlarmArn"))
    if not name or now - _published.get(key, 0.0) < EVERY_SECONDS:
        return
    sqs = adapter.client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except ClientError:
        return  # an alarm on a queue that is gone: no data, as on AWS
    depth = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    datum = {
        "MetricName": METRIC,
        "Dimensions": [{"Name": "QueueName", "Value": name}],
        "Timestamp": now,
        "Value": float(depth["ApproximateNumberOfMessages"]),
    }
    adapter.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    _published[key] = now
