"""The alarms of one environment's services: tasks that are missing, and numbers in logs."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from products import names
from products.containers import Service
from slipway.alarms import MINUTE, Alarms
from slipway.log_metric import LogMetric
from stacks.scope import EnvironmentScope

# Longer than a release takes to stop a singleton and start its successor.
_MINUTES = 10


def metrics(environment_scope: EnvironmentScope, name: str, service: Service) -> list[LogMetric]:
    """Returns the metrics that the log group of a service has, one for each of its alarms."""
    return [
        LogMetric(f"{names.pascal(name)}{alarm}", environment_scope.prefix, settings.field)
        for alarm, settings in service.log_alarms.items()
    ]


def watch(environment_scope: EnvironmentScope, alarms: Alarms) -> None:
    """Notify people of services with fewer tasks than the manifest asks for, and of numbers that are too high."""
    for name, service in environment_scope.product.services_in(environment_scope.name).items():
        alarms.add(
            f"{names.pascal(name)}RunsTooFewTasks",
            running(environment_scope, name),
            threshold=service.count,
            of_minutes=_MINUTES,
            below=True,
            missing_is_bad=True,
            heading="RunsTooFewTasks",
        )
        for metric, settings in zip(
            metrics(environment_scope, name, service), service.log_alarms.values(), strict=True
        ):
            alarms.add(
                metric.name,
                metric.largest(),
                threshold=settings.at_least,
                of_minutes=settings.minutes,
                heading="NumberInLogIsTooHigh",
            )


def running(environment_scope: EnvironmentScope, service: str) -> cloudwatch.Metric:
    """Returns the number of running tasks of a service.

    Each running task sends one sample of its CPU utilization a minute: docs.aws.amazon.com/AmazonECS, "Service RUNNING
    task count". It is free, unlike the metrics of Container Insights. If no task runs, there is no sample.
    """
    place = (environment_scope.name, environment_scope.product.name)
    return cloudwatch.Metric(
        namespace="AWS/ECS",
        metric_name="CPUUtilization",
        dimensions_map={"ClusterName": names.cluster(*place), "ServiceName": names.service(*place, service)},
        period=MINUTE,
        statistic=cloudwatch.Stats.SAMPLE_COUNT,
    )
