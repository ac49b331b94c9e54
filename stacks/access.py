"""The Access stack: the roles with which the pipeline works in one environment, one for each task."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from products import infrastructure_flow, names
from products.flows import deliveries
from slipway.accepted import accept
from slipway.access_role import AccessRole
from slipway.rights import Allow
from stacks import drift
from stacks.edge import EdgeStack
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.service_tasks import see_stack
from stacks.target import Target, Task


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
        target: Target,
        edge: EdgeStack,
    ) -> None:
        super().__init__(
            scope, construct_id, environment_scope=environment_scope, description="What the pipeline may do here"
        )
        self._scope, self._edge = environment_scope, edge
        for task in target.tasks(self):
            self._grant(task)
        if environment_scope.product.sites():
            self._grant(Task("invalidate", "Invalidate CloudFront", self._to_invalidate(), {}))
            self._grant(Task("publish", "Upload the frontend", self._to_publish(), {}))
        if infrastructure_flow.settings(environment_scope.product):
            self._grant(Task("review", "Read the deployed templates", [self._to_review()], {}))

        pipeline = environment_scope.product.pipeline
        if pipeline and pipeline.drift:
            rights, accepted = drift.rights(self, environment_scope), drift.ACCEPTED
            self._grant(Task("drift", "See what was changed by hand", rights, accepted))

    def _grant(self, task: Task) -> None:
        product, environment = self._scope.product.name, self._scope.name
        callers = [names.handler_role(product, environment, task.name)]
        if task.name == "publish":
            callers = [
                names.build_role(product, delivery.flow_name, environment, site)
                for delivery in deliveries(self._scope.product)
                if environment in delivery.environments()
                for site in self._scope.product.sites()
            ]
        if task.name == "review":
            callers = [names.infrastructure_role(product, "review")]
        if task.name == "drift":
            callers = [names.drift_role(product)]
        role = AccessRole(
            self,
            names.pascal(task.name),
            role_name=names.access_role(environment, product, task.name),
            description=task.description,
            account=self._scope.product.tooling.account,
            callers=callers,
            statements=task.statements,
        )
        for rule, reason in task.accepted.items():
            accept(role, reason, rule)

    def _to_review(self) -> Allow:
        stacks = self.format_arn(service="cloudformation", resource="stack", resource_name=f"{self._scope.prefix}-*")
        return Allow(
            sid="ReadStacks",
            actions=["cloudformation:GetTemplate"],
            resources=[stacks],
            because="the review reads each of the environment's stacks, and those that the change adds",
        )

    def _to_invalidate(self) -> list[iam.PolicyStatement]:
        return [
            see_stack(self, self._scope, "edge"),
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
            see_stack(self, self._scope, "edge"),
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
