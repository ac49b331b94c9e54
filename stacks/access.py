"""The Access stack: what the pipeline may do to one environment, task by task."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from products import names
from products.flows import deliveries
from slipway.access_role import AccessRole
from stacks.edge import EdgeStack
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.services import ServicesStack


class AccessStack(EnvironmentStack):
    """One role for each task, taken by one function or build of the product's tooling.

    The environment grants them, since it knows its own resources by ARN, and may live in an account of its own.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, of: EnvironmentScope, services: ServicesStack, edge: EdgeStack
    ) -> None:
        super().__init__(scope, construct_id, of=of, description="What the pipeline may do here")
        self._of, self._services, self._edge = of, services, edge
        self._grant("deploy", "Update the services to a release", self._to_deploy())
        self._grant("verify", "See which release runs", self._to_verify())
        if services.migration:
            self._grant("migrate", "Run the migration task", self._to_migrate())
        if of.product.frontend:
            self._grant("invalidate", "Invalidate CloudFront", self._to_invalidate())
            self._grant("publish", "Upload the frontend", self._to_publish())

    def _grant(self, task: str, description: str, statements: list[iam.PolicyStatement]) -> None:
        product, environment = self._of.product.name, self._of.name
        callers = [names.handler_role(product, environment, task)]
        if task == "publish":
            flows = [each.flow for each in deliveries(self._of.product) if environment in each.environments()]
            callers = [names.build_role(product, flow, environment) for flow in flows]
        AccessRole(
            self,
            names.pascal(task),
            role_name=names.access_role(environment, product, task),
            description=description,
            account=self._of.product.tooling.account,
            callers=callers,
            statements=statements,
        )

    def _stack(self, stack: str) -> str:
        name = names.stack(self._of.name, self._of.product.name, stack)
        return f"arn:{self.partition}:cloudformation:{self.region}:{self.account}:stack/{name}/*"

    def _ecs(self, what: str) -> str:
        return f"arn:{self.partition}:ecs:{self.region}:{self.account}:{what}"

    def _cluster(self) -> str:
        return names.cluster(self._of.name, self._of.product.name)

    def _see_stack(self, stack: str) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="SeeStack", actions=["cloudformation:DescribeStacks"], resources=[self._stack(stack)]
        )

    def _see_services(self) -> iam.PolicyStatement:
        services = [
            self._ecs(f"service/{self._cluster()}/{it.service_name}") for it in self._services.services.values()
        ]
        return iam.PolicyStatement(sid="SeeServices", actions=["ecs:DescribeServices"], resources=services)

    def _list_tasks(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="ListTasks",
            actions=["ecs:ListTasks"],
            resources=["*"],  # the action's resource is a container instance, which Fargate has not
            conditions={"ArnEquals": {"ecs:cluster": self._ecs(f"cluster/{self._cluster()}")}},
        )

    def _to_deploy(self) -> list[iam.PolicyStatement]:
        update = ["CancelUpdateStack", "DescribeStackEvents", "DescribeStacks", "UpdateStack"]
        return [
            iam.PolicyStatement(
                sid="UpdateStack",
                actions=[f"cloudformation:{action}" for action in update],
                resources=[self._stack("services")],
            ),
            iam.PolicyStatement(
                sid="ReadParametersOfTheStack",
                actions=["ssm:GetParameters"],  # CloudFormation reads the template's bootstrap version as its caller
                resources=[f"arn:{self.partition}:ssm:{self.region}:{self.account}:parameter/cdk-bootstrap/*"],
            ),
            self._see_services(),
        ]

    def _to_verify(self) -> list[iam.PolicyStatement]:
        tasks = [self._ecs(f"task/{self._cluster()}/*")]
        return [
            self._see_stack("edge"),
            self._see_services(),
            self._list_tasks(),
            iam.PolicyStatement(sid="SeeTasks", actions=["ecs:DescribeTasks"], resources=tasks),
        ]

    def _to_migrate(self) -> list[iam.PolicyStatement]:
        migration = self._services.migration
        if migration is None:
            return []
        family = names.service(self._of.name, self._of.product.name, "migrate")
        group = names.log_group(self._of.name, self._of.product.name, "migrate")
        cluster = {"ArnEquals": {"ecs:cluster": self._ecs(f"cluster/{self._cluster()}")}}
        return [
            self._see_stack("services"),
            iam.PolicyStatement(
                sid="RunTask",
                actions=["ecs:RunTask"],
                resources=[self._ecs(f"task-definition/{family}:*")],
                conditions=cluster,
            ),
            iam.PolicyStatement(
                sid="FollowTask",
                actions=["ecs:DescribeTasks", "ecs:StopTask"],
                resources=[self._ecs(f"task/{self._cluster()}/*")],
            ),
            self._list_tasks(),
            iam.PolicyStatement(
                sid="SeeTaskDefinition",
                actions=["ecs:DescribeTaskDefinition"],
                resources=["*"],  # the action knows no resource
            ),
            iam.PolicyStatement(
                sid="GiveTheTaskItsRoles",
                actions=["iam:PassRole"],
                resources=[it.role_arn for it in (migration.task_role, migration.execution_role) if it],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                sid="ReadItsLog",
                actions=["logs:GetLogEvents"],
                resources=[f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:{group}:log-stream:*"],
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
        site = self._edge.site
        return [
            self._see_stack("edge"),
            iam.PolicyStatement(sid="ListSite", actions=["s3:ListBucket"], resources=[site.bucket_arn]),
            iam.PolicyStatement(
                sid="WriteSite",
                actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                resources=[site.arn_for_objects("*")],
            ),
        ]
