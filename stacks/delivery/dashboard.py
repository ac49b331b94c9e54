"""The dashboard of a product's delivery: what pipelines, builds and functions took, and what failed."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from products import names
from products.flows import Delivery
from stacks.delivery.scope import DeliveryScope

_HOUR = cdk.Duration.hours(1)
_HALF, _HEIGHT = 12, 6  # of 24 columns


def define(scope: DeliveryScope, deliveries: Sequence[Delivery], undelivered: sqs.Queue) -> None:
    """Define the dashboard, whose name is the prefix of the tooling: tooling-allthrive.

    CodePipeline counts failed runs by the pipeline's name; of builds, CodeBuild sums up the account.
    """
    dashboard = cloudwatch.Dashboard(
        scope.stack, "Dashboard", dashboard_name=names.prefix("tooling", scope.product.name)
    )
    dashboard.add_widgets(
        _graph(
            "Runs that failed an hour",
            [
                _metric("AWS/CodePipeline", "FailedPipelineExecutions", {"PipelineName": delivery.pipeline})
                for delivery in deliveries
            ],
        ),
        _graph(
            "Lost news: messages, and on the right the age of the oldest in seconds",
            [undelivered.metric_approximate_number_of_messages_visible(period=_HOUR, label="messages")],
            [undelivered.metric_approximate_age_of_oldest_message(period=_HOUR, label="age")],
        ),
    )
    dashboard.add_widgets(
        _graph(
            "Builds an hour of the account; on the right, those that failed",
            [_metric("AWS/CodeBuild", "Builds", {})],
            [_metric("AWS/CodeBuild", "FailedBuilds", {})],
        ),
        _graph(
            "Seconds of a build of the account: average, and in the queue",
            [_metric("AWS/CodeBuild", name, {}, "Average") for name in ("Duration", "QueuedDuration")],
        ),
    )


def _metric(
    namespace: str, name: str, dimensions: dict[str, str], statistic: str = cloudwatch.Stats.SUM
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        period=_HOUR,
        statistic=statistic,
        label=next(iter(dimensions.values()), name),
    )


def _graph(
    title: str, left: list[cloudwatch.IMetric], right: list[cloudwatch.IMetric] | None = None
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=left, right=right or [], width=_HALF, height=_HEIGHT)
