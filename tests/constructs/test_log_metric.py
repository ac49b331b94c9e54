"""Numbers in a log as a metric."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.log_metric import LogMetric
from tests.support.stack import empty_stack


def test_the_metric_of_each_environment_has_a_name_of_its_own() -> None:
    stack = empty_stack()
    group = logs.LogGroup(stack, "Group")
    for prefix in ("staging-shop", "production-shop"):
        LogMetric("QueueIsLong", prefix, "length").define(logs.LogGroup(stack, prefix))
    LogMetric("Other", "staging-shop", "other_number").define(group)

    filters = Template.from_stack(stack).find_resources("AWS::Logs::MetricFilter").values()

    assert sorted(found["Properties"]["MetricTransformations"][0]["MetricName"] for found in filters) == [
        "production-shop-QueueIsLong",
        "staging-shop-Other",
        "staging-shop-QueueIsLong",
    ]


def test_the_metric_is_the_one_that_the_filter_publishes() -> None:
    stack = empty_stack()
    metric = LogMetric("QueueIsLong", "staging-shop", "length")
    metric.define(logs.LogGroup(stack, "Group"))
    (found,) = Template.from_stack(stack).find_resources("AWS::Logs::MetricFilter").values()
    (published,) = found["Properties"]["MetricTransformations"]

    assert (metric.largest().namespace, metric.largest().metric_name) == (
        published["MetricNamespace"],
        published["MetricName"],
    )
