"""The Access stack: the roles with which the pipeline works in one environment, one for each task."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from products import names
from products.flows import deliveries, needs_url
from products.variables import site_is_released
from slipway.accepted import accept
from slipway.access_role import AccessRole
from slipway.rights import Allow, everywhere
from stacks.edge import EdgeStack
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.services import ServicesStack

_STACK_ID = "CloudFormation ends a stack's ARN with an id that it makes up; the stack is named"
_TASK_ID = "ECS ends a task's ARN with an id that it makes up; the cluster is named"


class AccessStack(EnvironmentStack):
    """One role for each task, assumed by one function or build of the product's tooling.

    The roles are part of the environment, because it knows the ARNs of its resources and may be in another account.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_scope: EnvironmentScope,
        services: ServicesStack,
        edge: EdgeStack,
    ) -> None:
        super().__init__(
            scope, construct_id, environment_scope=environment_scope, description="What the pipeline may do here"
        )
        self._scope, self._services, self._edge = environment_scope, services, edge
        self._grant("deploy", "Update the services to a release", self._to_deploy())
        self._grant("verify", "See which release runs", self._to_verify())
        if services.migration:
            self._grant("migrate", "Run the migration task", self._to_migrate())
        if environment_scope.product.sites():
            self._grant("invalidate", "Invalidate CloudFront", self._to_invalidate())
            self._grant("publish", "Upload the frontend", self._to_publish())

    def _grant(self, task: str, description: str, statements: list[iam.PolicyStatement]) -> None:
        product, environment = self._scope.product.name, self._scope.name
        callers = [names.handler_role(product, environment, task)]
        if task == "publish":
            callers = [
                names.build_role(product, delivery.flow_name, environment, site)
                for delivery in deliveries(self._scope.product)
                if environment in delivery.environments()
                for site in self._scope.product.sites()
            ]
        role = AccessRole(
            self,
            names.pascal(task),
            role_name=names.access_role(environment, product, task),
            description=description,
            account=self._scope.product.tooling.account,
            callers=callers,
            statements=statements,
        )
        if task == "deploy":
            accept(
                role,
                "CloudFormation changes a stack with its bootstrap's role, so who may update this one stack acts with "
                "that role: bound it when you bootstrap (docs/deploying-to-aws.md)",
                "change-stack-with-its-role",
            )
        if task == "migrate":
            accept(
                role,
                "it may start one task definition, the migration's, and pass the two roles of that one: another "
                "command in it has the rights that any code of the product has",
                "pass-role-to-task",
            )

    def _stack(self, stack: str) -> str:
        name = names.stack(self._scope.name, self._scope.product.name, stack)
        return self.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*")

    def _ecs(self, resource: str) -> str:
        return self.format_arn(service="ecs", resource=resource)

    def _cluster(self) -> str:
        return names.cluster(self._scope.name, self._scope.product.name)

    def _see_stack(self, stack: str) -> iam.PolicyStatement:
        return Allow(
            sid="SeeStack",
            actions=["cloudformation:DescribeStacks"],
            resources=[self._stack(stack)],
            because=_STACK_ID,
        )

    def _see_services(self) -> iam.PolicyStatement:
        services = [
            self._ecs(f"service/{self._cluster()}/{service.service_name}")
            for service in self._services.services.values()
        ]
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
        return [
            Allow(
                sid="UpdateStack",
                actions=[f"cloudformation:{action}" for action in update],
                resources=[self._stack("services")],
                because=_STACK_ID,
            ),
            Allow(
                sid="ReadParametersOfTheStack",
                actions=["ssm:GetParameters"],  # CloudFormation reads the bootstrap version with its caller's rights
                resources=[self.format_arn(service="ssm", resource="parameter", resource_name="cdk-bootstrap/*")],
                because="the bootstrap version is below its qualifier, which the bootstrapped account chooses",
            ),
            self._see_services(),
            *([self._see_stack("edge")] if site_is_released(self._scope.product, self._scope.name) else []),
        ]

    def _to_verify(self) -> list[iam.PolicyStatement]:
        tasks = [self._ecs(f"task/{self._cluster()}/*")]
        return [
            *([self._see_stack("edge")] if needs_url(self._scope.product, self._scope.name) else []),
            self._see_services(),
            self._list_tasks(),
            Allow(sid="SeeTasks", actions=["ecs:DescribeTasks"], resources=tasks, because=_TASK_ID),
        ]

    def _to_migrate(self) -> list[iam.PolicyStatement]:
        migration = self._services.migration
        if migration is None:
            return []
        family = names.service(self._scope.name, self._scope.product.name, "migrate")
        group = names.log_group(self._scope.name, self._scope.product.name, "migrate")
        cluster = {"ArnEquals": {"ecs:cluster": self._ecs(f"cluster/{self._cluster()}")}}
        return [
            self._see_stack("services"),
            Allow(
                sid="RunTask",
                actions=["ecs:RunTask"],
                resources=[self._ecs(f"task-definition/{family}:*")],
                conditions=cluster,
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
                resources=[self.format_arn(service="logs", resource=f"log-group:{group}:log-stream:*")],
                because="ECS names a log stream after the task it starts; the log group is the migration's own",
            ),
        ]

    def _to_invalidate(self) -> list[iam.PolicyStatement]:
        return [
            self._see_stack("edge"),
            iam.PolicyStatement(
                sid="Invalidate",
                actions=["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"],
                resources=[self._edge.distribution.distribution_arn],
            ),
        ]

    def _to_publish(self) -> list[iam.PolicyStatement]:
        site, files = self._edge.site, self._edge.files
        if site is None or files is None:
            return []
        return [
            self._see_stack("edge"),
            iam.PolicyStatement(sid="ListSite", actions=["s3:ListBucket"], resources=[site.bucket_arn]),
            Allow(
                sid="WriteSite",
                actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                resources=[site.arn_for_objects("*")],
                because="the frontend's build decides which files there are; the bucket holds nothing else",
            ),
            iam.PolicyStatement(
                sid="ListFiles",
                actions=[
                    f"cloudfront-keyvaluestore:{call}" for call in ("DescribeKeyValueStore", "ListKeys", "UpdateKeys")
                ],
                resources=[files.key_value_store_arn],
            ),
        ]
