"""Tasks that EventBridge Scheduler starts at given times."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from slipway.accepted import accept
from slipway.container_task import ContainerTask
from slipway.release import ReleasedImage
from slipway.rights import Allow, give

GROUP = "schedule:"
"""Beginning of the ECS group of scheduled tasks, followed by the schedule's name."""
# A start that fails, e.g. for lack of capacity, is repeated for an hour: a nightly task must not run at noon.
# EventBridge Scheduler's default is a day.
_RETRY_SECONDS, _RETRIES = 3600, 10


@dataclass(frozen=True)
class Times:
    """When a task starts: an expression of EventBridge Scheduler, and its time zone."""

    expression: str
    timezone: str = "UTC"


class ScheduleGroup(scheduler.CfnScheduleGroup):
    """The schedules of one environment. EventBridge Scheduler counts its failures by group."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id, name=name)
        self.group_name = name

    @property
    def arn(self) -> str:
        """The ARN of the group, from its name: a role's trust policy cannot wait for the group."""
        return cdk.Stack.of(self).format_arn(
            service="scheduler", resource="schedule-group", resource_name=self.group_name
        )


class ScheduledTask(Construct):
    """A schedule that starts a Fargate task in the application subnets.

    Default settings:
    - nothing starts before the first release, or if the schedule is not enabled;
    - its role may start this one task definition in this one cluster, and pass its two roles, nothing else;
    - a start that fails is repeated for an hour; a task that fails is not started again.
    """

    schedule: scheduler.CfnSchedule

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        physical_name: str,
        group: ScheduleGroup,
        times: Times,
        enabled: bool,
        cluster: ecs.ICluster,
        task: ContainerTask,
        image: ReleasedImage,
        subnets: list[str],
        security_group: ec2.ISecurityGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            description=f"Starts the task {physical_name}",
            # EventBridge Scheduler sends the ARN of the group:
            # docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account},
                    "ArnEquals": {"aws:SourceArn": group.arn},
                },
            ),
        )
        give(role, self._to_run(cluster, task))
        accept(
            role,
            "EventBridge Scheduler starts one task definition with it, and passes the two roles of that one: whoever "
            "changed the schedule's input would have the rights that any code of the product has",
            "pass-role-to-task",
        )
        self.schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=physical_name,
            group_name=group.group_name,
            description=f"Starts {name}",
            schedule_expression=times.expression,
            schedule_expression_timezone=times.timezone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            state=image.when_released("ENABLED", "DISABLED") if enabled else "DISABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=cluster.cluster_arn,
                role_arn=role.role_arn,
                ecs_parameters=scheduler.CfnSchedule.EcsParametersProperty(
                    task_definition_arn=task.task_definition_arn,
                    launch_type="FARGATE",
                    group=f"{GROUP}{name}",
                    task_count=1,
                    network_configuration=scheduler.CfnSchedule.NetworkConfigurationProperty(
                        awsvpc_configuration=scheduler.CfnSchedule.AwsVpcConfigurationProperty(
                            subnets=subnets,
                            security_groups=[security_group.security_group_id],
                            assign_public_ip="DISABLED",
                        )
                    ),
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=_RETRY_SECONDS, maximum_retry_attempts=_RETRIES
                ),
            ),
        )
        self.schedule.add_dependency(group)
        policy = role.node.find_child("DefaultPolicy").node.default_child
        assert isinstance(policy, iam.CfnPolicy)  # noqa: S101 - for mypy: the L1 of the L2
        self.schedule.add_dependency(policy)  # a rate starts the task as soon as the schedule exists

    def after(self, service: ecs.FargateService) -> None:
        """Change the schedule only after a service has become stable with the new release."""
        resource = service.node.default_child
        assert isinstance(resource, ecs.CfnService)  # noqa: S101 - for mypy: the L1 of the L2
        # Not the L2: its scaling has a condition, and nothing may depend on what does not exist.
        self.schedule.add_dependency(resource)

    def _to_run(self, cluster: ecs.ICluster, task: ContainerTask) -> list[iam.PolicyStatement]:
        family = cdk.Stack.of(self).format_arn(
            service="ecs", resource="task-definition", resource_name=f"{task.family}:*"
        )
        return [
            Allow(
                sid="RunTask",
                actions=["ecs:RunTask"],
                resources=[family],
                conditions={"ArnEquals": {"ecs:cluster": cluster.cluster_arn}},
                because="every release has its own revision of this one family, in this one cluster",
            ),
            iam.PolicyStatement(
                sid="GiveTheTaskItsRoles",
                actions=["iam:PassRole"],
                resources=[role.role_arn for role in (task.task_role, task.execution_role) if role],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        ]
