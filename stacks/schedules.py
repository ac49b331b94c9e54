"""The scheduled tasks of one environment, as part of its Services stack and of its Observability stack."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from products import names
from products.schedules import Schedule
from slipway.alarms import MINUTE, Alarms
from slipway.container_task import ContainerTask
from slipway.release import ReleasedImage
from slipway.scheduled_task import GROUP, ScheduledTask, ScheduleGroup, Times
from slipway.task_failures import TaskFailures, not_started, start_errors
from stacks.scope import EnvironmentScope


class Schedules:
    """Defines the schedules of an environment, which change only after the services run the new release."""

    def __init__(
        self,
        scope: Construct,
        *,
        environment_scope: EnvironmentScope,
        cluster: ecs.ICluster,
        services: Mapping[str, ecs.FargateService],
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
    ) -> None:
        self._scope, self._environment = scope, environment_scope
        self._cluster, self._services, self._security_group = cluster, services, security_group
        self._subnets = vpc.select_subnets(subnet_group_name="Application").subnet_ids
        self._group = ScheduleGroup(scope, "Schedules", name=environment_scope.prefix)

    def define(self, name: str, schedule: Schedule, task: ContainerTask, image: ReleasedImage) -> None:
        """Define the schedule of a task."""
        scheduled = ScheduledTask(
            self._scope,
            names.pascal(name),
            name=name,
            physical_name=names.service(self._environment.name, self._environment.product.name, name),
            group=self._group,
            times=Times(schedule.expression, schedule.timezone),
            enabled=schedule.enabled,
            cluster=self._cluster,
            task=task,
            image=image,
            subnets=self._subnets,
            security_group=self._security_group,
        )
        for service in self._services.values():
            scheduled.after(service)


def watch(scope: Construct, environment_scope: EnvironmentScope, cluster: ecs.ICluster, alarms: Alarms) -> None:
    """Notify people of scheduled tasks that fail, and of those that are not started; nothing without schedules."""
    if not environment_scope.product.schedules:
        return
    TaskFailures(scope, "TaskFailures", cluster=cluster, group_prefix=GROUP, topic=alarms.topic)
    failed = cloudwatch.MathExpression(
        expression="FILL(dropped, 0) + FILL(errors, 0)",
        using_metrics={
            "dropped": not_started(environment_scope.prefix),
            "errors": start_errors(environment_scope.prefix),
        },
        label="Tasks that were not started",
        period=MINUTE,
    )
    alarms.add("ScheduledTaskIsNotStarted", failed, threshold=1, of_minutes=1)
