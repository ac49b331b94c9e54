"""The Observability stack: alarms that notify people, and a dashboard that shows the cause."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from slipway.alarms import MINUTE, Alarms
from slipway.cache import RedisCache
from slipway.database import PostgresDatabase
from stacks import dashboards, monitoring
from stacks.data import DataStack
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.target import Target

_GIB = 1024**3


class ObservabilityStack(EnvironmentStack):
    """Alarms and dashboard of one environment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_scope: EnvironmentScope,
        data: DataStack,
        target: Target,
    ) -> None:
        super().__init__(scope, construct_id, environment_scope=environment_scope, description="Alarms and dashboard")
        self._alarms = Alarms(
            self,
            "Alarms",
            emails=environment_scope.environment.alarm_emails,
            topic_name=monitoring.topic_name(environment_scope),
        )
        self._watch_requests(target)
        size = environment_scope.environment.database
        if data.database and size:
            self._watch_database(data.database, size.storage_gb)
        if data.cache:
            self._watch_cache(data.cache)
        target.watch(self, self._alarms)
        if environment_scope.environment.dashboard:
            self._define_dashboard(environment_scope, data, target)
        self.output("AlarmTopic", self._alarms.topic.topic_arn, "Where alarms are published")

    def _watch_requests(self, target: Target) -> None:
        balancer = target.load_balancer.balancer.metrics
        self._alarms.add(
            "RequestsFail",
            balancer.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, period=MINUTE, statistic="Sum"),
            threshold=10,
            of_minutes=5,
        )
        self._alarms.add(
            "RequestsAreSlow", balancer.target_response_time(period=MINUTE, statistic="p95"), threshold=2, of_minutes=10
        )
        watched = target.watched()
        for name, group in watched.groups.items():
            self._alarms.add(
                name,
                group.metrics.unhealthy_host_count(period=MINUTE, statistic="Maximum"),
                threshold=1,
                of_minutes=10,
                heading=watched.heading,
            )

    def _watch_database(self, database: PostgresDatabase, storage_gb: int) -> None:
        instance = database.instance
        self._alarms.add(
            "DatabaseStorageIsLow",
            instance.metric_free_storage_space(period=MINUTE, statistic="Minimum"),
            threshold=storage_gb * _GIB * 0.1,
            of_minutes=15,
            below=True,
        )
        self._alarms.add(
            "DatabaseIsBusy",
            instance.metric_cpu_utilization(period=MINUTE, statistic="Average"),
            threshold=90,
            of_minutes=15,
        )

    def _watch_cache(self, cache: RedisCache) -> None:
        memory = cloudwatch.Metric(
            namespace="AWS/ElastiCache",
            metric_name="DatabaseMemoryUsagePercentage",
            dimensions_map={"ReplicationGroupId": cache.group.ref},
            period=MINUTE,
            statistic="Maximum",
        )
        self._alarms.add("CacheMemoryIsLow", memory, threshold=85, of_minutes=10)

    def _define_dashboard(self, environment_scope: EnvironmentScope, data: DataStack, target: Target) -> None:
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=environment_scope.prefix)
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(self._alarms.alarms), width=24))
        widgets = [cloudwatch.AlarmWidget(alarm=alarm, title=alarm.node.id) for alarm in self._alarms.alarms]
        for row in dashboards.rows(environment_scope, data, target):
            dashboard.add_widgets(*row)
        dashboard.add_widgets(*widgets)
