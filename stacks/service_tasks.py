"""The pipeline's tasks with services on Fargate, and the rights that they need."""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from products import names
from products.flows import needs_url
from products.variables import site_is_released
from slipway.container_task import ContainerTask
from slipway.rights import Allow, everywhere
from stacks.scope import EnvironmentScope
from stacks.target import Task

STACK_ID = "CloudFormation ends a stack's ARN with an id that it makes up; the stack is named"
_TASK_ID = "ECS ends a task's ARN with an id that it makes up; the cluster is named"
_ACTS_WITH_THE_BOOTSTRAP = {
    "change-stack-with-its-role": (
        "CloudFormation changes a stack with its bootstrap's role, so who may update this one stack acts with that "
        "role: bound it when you bootstrap (docs/deploying-to-aws.md)"
    )
}
_PASSES_ITS_ROLES = {
    "pass-role-to-task": (
        "it may start one task definition, the migration's, and pass the two roles of that one: another command in it "
        "has the rights that any code of the product has"
    )
}


def see_stack(access: cdk.Stack, environment_scope: EnvironmentScope, stack: str) -> Allow:
    """Returns the statement that lets a role read the outputs of a stack of the environment."""
    return Allow(
        sid="SeeStack",
        actions=["cloudformation:DescribeStacks"],
        resources=[stack_arn(access, environment_scope, stack)],
        because=STACK_ID,
    )


def stack_arn(access: cdk.Stack, environment_scope: EnvironmentScope, stack: str) -> str:
    """Returns the ARN pattern of a stack of the environment."""
    name = names.stack(environment_scope.name, environment_scope.product.name, stack)
    return access.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*")


def see_alarms(access: cdk.Stack, environment_scope: EnvironmentScope) -> list[Allow]:
    """Returns the statement that lets a role see the alarms, if they hold releases back."""
    if not environment_scope.environment.alarm_gate:
        return []
    alarms = access.format_arn(
        service="cloudwatch", resource="alarm", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    because = "CloudWatch asks for the right on every alarm to list those whose names have a prefix"
    return [Allow(sid="SeeAlarms", actions=["cloudwatch:DescribeAlarms"], resources=[alarms], because=because)]


class ServiceTasks:
    """The tasks of the pipeline in one environment with services."""

    def __init__(
        self,
        access: cdk.Stack,
        environment_scope: EnvironmentScope,
        *,
        services: Iterable[ecs.FargateService],
        migration: ContainerTask | None,
    ) -> None:
        self._access, self._scope = access, environment_scope
        self._services, self._migration = list(services), migration

    def all(self) -> list[Task]:
        """Returns the tasks in the order of their roles."""
        tasks = [
            Task("deploy", "Update the services to a release", self._to_deploy(), _ACTS_WITH_THE_BOOTSTRAP),
            Task("verify", "See which release runs", self._to_verify(), {}),
        ]
        if self._migration:
            migrate = self._to_migrate(self._migration)
            tasks.append(Task("migrate", "Run the migration task", migrate, _PASSES_ITS_ROLES))
        return tasks

    def _see(self, stack: str) -> Allow:
        return see_stack(self._access, self._scope, stack)

    def _ecs(self, resource: str) -> str:
        return self._access.format_arn(service="ecs", resource=resource)

    def _cluster(self) -> str:
        return names.cluster(self._scope.name, self._scope.product.name)

    def _see_services(self) -> iam.PolicyStatement:
        services = [self._ecs(f"service/{self._cluster()}/{service.service_name}") for service in self._services]
        return iam.PolicyStatement(sid="SeeServices", actions=["ecs:DescribeServices"], resources=services)

    def _list_tasks(self) -> iam.PolicyStatement:
        return Allow(
            sid="ListTasks",
            actions=["ecs:ListTasks"],
            resources=["*"],
            conditions={"ArnEquals": {"ecs:cluster": self._ecs(f"cluster/{self._cluster()}")}},
            because="the action's resource is a container instance, which Fargate has not; the cluster is a condition",
        )

    def _to_deploy(self) -> list[iam.PolicyStatement]:
        update = ["CancelUpdateStack", "DescribeStackEvents", "DescribeStacks", "UpdateStack"]
        parameters = self._access.format_arn(service="ssm", resource="parameter", resource_name="cdk-bootstrap/*")
        return [
            Allow(
                sid="UpdateStack",
                actions=[f"cloudformation:{action}" for action in update],
                resources=[stack_arn(self._access, self._scope, "services")],
                because=STACK_ID,
            ),
            Allow(
                sid="ReadParametersOfTheStack",
                actions=["ssm:GetParameters"],  # CloudFormation reads the bootstrap version with its caller's rights
                resources=[parameters],
                because="the bootstrap version is below its qualifier, which the bootstrapped account chooses",
            ),
            self._see_services(),
            *see_alarms(self._access, self._scope),
            *([self._see("edge")] if site_is_released(self._scope.product, self._scope.name) else []),
        ]

    def _to_verify(self) -> list[iam.PolicyStatement]:
        tasks = [self._ecs(f"task/{self._cluster()}/*")]
        return [
            *([self._see("edge")] if needs_url(self._scope.product, self._scope.name) else []),
            self._see_services(),
            self._list_tasks(),
            Allow(sid="SeeTasks", actions=["ecs:DescribeTasks"], resources=tasks, because=_TASK_ID),
        ]

    def _to_migrate(self, migration: ContainerTask) -> list[iam.PolicyStatement]:
        family = names.service(self._scope.name, self._scope.product.name, "migrate")
        group = names.log_group(self._scope.name, self._scope.product.name, "migrate")
        streams = self._access.format_arn(service="logs", resource=f"log-group:{group}:log-stream:*")
        return [
            self._see("services"),
            Allow(
                sid="RunTask",
                actions=["ecs:RunTask"],
                resources=[self._ecs(f"task-definition/{family}:*")],
                conditions={"ArnEquals": {"ecs:cluster": self._ecs(f"cluster/{self._cluster()}")}},
                because="every release has its own revision of this one family, in this one cluster",
            ),
            Allow(
                sid="FollowTask",
                actions=["ecs:DescribeTasks", "ecs:StopTask"],
                resources=[self._ecs(f"task/{self._cluster()}/*")],
                because=_TASK_ID,
            ),
            self._list_tasks(),
            everywhere("ecs:DescribeTaskDefinition", sid="SeeTaskDefinition"),
            iam.PolicyStatement(
                sid="GiveTheTaskItsRoles",
                actions=["iam:PassRole"],
                resources=[role.role_arn for role in (migration.task_role, migration.execution_role) if role],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
            Allow(
                sid="ReadItsLog",
                actions=["logs:GetLogEvents"],
                resources=[streams],
                because="ECS names a log stream after the task it starts; the log group is the migration's own",
            ),
        ]
