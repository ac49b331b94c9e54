"""The dashboard of an environment: below its alarms, causes next to the releases that may be theirs."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from products import names
from slipway.alarms import MINUTE
from stacks import service_alarms
from stacks.data import DataStack
from stacks.scope import EnvironmentScope
from stacks.target import Target

_HALF, _HEIGHT = 12, 6  # of 24 columns
_HERE, _OTHER = cloudwatch.LegendPosition.BOTTOM, cloudwatch.YAxisProps(min=0)
_INSIGHTS = "ECS/ContainerInsights"


def rows(environment_scope: EnvironmentScope, data: DataStack, target: Target) -> Iterator[list[cloudwatch.IWidget]]:
    """Yields the rows of the dashboard; a part that the product does not have has none."""
    balancer = target.load_balancer.balancer.metrics
    releases = _releases(environment_scope)
    count = elbv2.HttpCodeTarget
    yield [
        _graph(
            "Requests and errors a minute; on the right, releases in progress",
            [
                balancer.request_count(period=MINUTE, label="requests"),
                balancer.http_code_target(count.TARGET_4XX_COUNT, period=MINUTE, label="4xx"),
                balancer.http_code_target(count.TARGET_5XX_COUNT, period=MINUTE, label="5xx"),
            ],
            releases,
        ),
        _graph(
            "Seconds until an answer; on the right, releases in progress",
            [
                balancer.target_response_time(period=MINUTE, statistic=statistic, label=statistic)
                for statistic in ("p50", "p95", "p99")
            ],
            releases,
        ),
    ]
    if environment_scope.product.services_in(environment_scope.name):
        yield _tasks(environment_scope)
    stores = _stores(data)
    if stores:
        yield stores


def _graph(
    title: str, left: list[cloudwatch.IMetric], right: list[cloudwatch.IMetric] | None = None
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=left,
        right=right or [],
        width=_HALF,
        height=_HEIGHT,
        legend_position=_HERE,
        left_y_axis=_OTHER,
        right_y_axis=_OTHER if right else None,
    )


def _insight(environment_scope: EnvironmentScope, service: str, metric: str, label: str) -> cloudwatch.Metric:
    place = (environment_scope.name, environment_scope.product.name)
    return cloudwatch.Metric(
        namespace=_INSIGHTS,
        metric_name=metric,
        dimensions_map={"ClusterName": names.cluster(*place), "ServiceName": names.service(*place, service)},
        period=MINUTE,
        statistic=cloudwatch.Stats.MAXIMUM,
        label=label,
    )


def _releases(environment_scope: EnvironmentScope) -> list[cloudwatch.IMetric]:
    """Returns the number of deployments of each service: one, and two while a release replaces its tasks.

    docs.aws.amazon.com/AmazonCloudWatch, "Amazon ECS Container Insights metrics". A dashboard's own annotations have
    fixed times, which a template cannot know.
    """
    if not environment_scope.environment.container_insights:
        return []
    services = environment_scope.product.services_in(environment_scope.name)
    return [_insight(environment_scope, name, "DeploymentCount", f"releases of {name}") for name in services]


def _tasks(environment_scope: EnvironmentScope) -> list[cloudwatch.IWidget]:
    """Returns the running and the desired tasks, and the numbers in logs, e.g. of queues: their depth and age."""
    services = environment_scope.product.services_in(environment_scope.name)
    running: list[cloudwatch.IMetric] = [
        service_alarms.running(environment_scope, name).with_(label=f"{name}, running") for name in services
    ]
    if environment_scope.environment.container_insights:
        running += [_insight(environment_scope, name, "DesiredTaskCount", f"{name}, desired") for name in services]
    numbers: list[cloudwatch.IMetric] = [
        metric.largest()
        for name, service in services.items()
        for metric in service_alarms.metrics(environment_scope, name, service)
    ]
    return [
        _graph("Tasks", running),
        *([_graph("Numbers in logs: queues, ages", numbers)] if numbers else []),
    ]


def _stores(data: DataStack) -> list[cloudwatch.IWidget]:
    widgets: list[cloudwatch.IWidget] = []
    if data.database:
        instance = data.database.instance
        widgets.append(
            _graph(
                "Database: connections; on the right, CPU percent",
                [instance.metric_database_connections(period=MINUTE, label="connections")],
                [instance.metric_cpu_utilization(period=MINUTE, label="CPU")],
            )
        )
    if data.cache:
        group = data.cache.group.ref

        def of_cache(metric: str, label: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace="AWS/ElastiCache",
                metric_name=metric,
                dimensions_map={"ReplicationGroupId": group},
                period=MINUTE,
                statistic=cloudwatch.Stats.MAXIMUM,
                label=label,
            )

        widgets.append(
            _graph(
                "Cache: memory and CPU percent; on the right, evictions",
                [of_cache("DatabaseMemoryUsagePercentage", "memory"), of_cache("EngineCPUUtilization", "CPU")],
                [of_cache("Evictions", "evictions")],
            )
        )
    return widgets
