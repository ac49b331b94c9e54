"""The Identity stack: what GitHub Actions of the product's repository may do."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from products import Product, names
from products.flows import deliveries, startable
from slipway import arns
from slipway.github_identity import GitHubProvider, GitHubRepository, GitHubRole
from slipway.rights import Allow, everywhere
from stacks.product_stack import ToolingStack

_PUSH_IMAGE = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
]
_LOOK_AT_STACKS = [
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
]
# GitHub's environment whose jobs push images; no environment of a product may have the name (products/names.py).
_REGISTRY = "tooling"
_START_PIPELINE = ["codepipeline:GetPipelineExecution", "codepipeline:StartPipelineExecution"]


class IdentityStack(ToolingStack):
    """One role for each kind of job: compare on pull requests, start a deployment, push images.

    An environment's role starts the pipelines that end in that environment, and no pipeline that passes a protected
    one on the way to an unprotected one: a job of GitHub's environment `staging` starts nothing that reaches
    production. An environment for which no pipeline is left has no role. Images are pushed from GitHub only where no
    pipeline publishes them.
    """

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        super().__init__(scope, construct_id, product=product, description="Roles of GitHub Actions")
        self._product = product
        self._provider = GitHubProvider(self, "GitHub", existing=product.tooling.oidc_provider == "existing")
        flows = deliveries(product)
        self._define_diff_role()
        if all(flow.stage("Publish") is None for flow in flows):
            self._define_push_role()
        for environment in product.environments:
            if pipelines := startable(product, environment):
                self._define_deploy_role(environment, pipelines)

    def _define_role(
        self,
        construct_id: str,
        *,
        role_name: str | None,
        description: str,
        suffix: str,
        ref: str,
        statements: list[iam.PolicyStatement],
    ) -> None:
        source = self._product.repository
        role = GitHubRole(
            self,
            construct_id,
            role_name=role_name,
            description=description,
            provider=self._provider,
            repository=GitHubRepository(
                owner=source.owner,
                name=source.name,
                owner_id=source.owner_id,
                repository_id=source.id,
                subject_formats=source.subject_formats,
            ),
            suffix=suffix,
            ref=ref,
            statements=statements,
        )
        self.output(f"{construct_id}RoleArn", role.role_arn, description)

    def _define_diff_role(self) -> None:
        self._define_role(
            "Diff",
            role_name=None,
            description="Pull requests: read the deployed templates, nothing else",
            suffix=":pull_request",
            ref="refs/pull/*/merge",  # of no other event: docs.github.com, GITHUB_REF
            statements=[self._look_at_stacks()],
        )

    def _define_push_role(self) -> None:
        self._define_role(
            "ImagePush",
            role_name=None,
            description=f"Jobs of GitHub's environment {_REGISTRY}: put images into the registry",
            suffix=f":environment:{_REGISTRY}",
            ref=f"refs/heads/{self._product.repository.branch}",
            statements=[
                iam.PolicyStatement(sid="Registry", actions=_PUSH_IMAGE, resources=self._repositories()),
                everywhere("ecr:GetAuthorizationToken", sid="LogIn"),
            ],
        )

    def _define_deploy_role(self, environment: str, pipelines: list[str]) -> None:
        started = [self.format_arn(service="codepipeline", resource=name) for name in pipelines]
        self._define_role(
            f"{names.pascal(environment)}Deploy",
            role_name=names.github_role(environment, self._product.name),
            description=f"Jobs of GitHub's environment {environment}: start what ends there",
            suffix=f":environment:{environment}",
            ref=f"refs/heads/{self._product.repository.branch}",
            statements=[
                iam.PolicyStatement(sid="Pipelines", actions=_START_PIPELINE, resources=started),
            ],
        )

    def _repositories(self) -> list[str]:
        return [
            arns.repository(self, self.account, self.region, names.repository(self._product.name, image))
            for image in self._product.images
        ]

    def _look_at_stacks(self) -> Allow:
        stacks = [
            self.format_arn(
                service="cloudformation",
                resource="stack",
                resource_name=f"{names.prefix(environment, self._product.name)}-*",
            )
            for environment in ("tooling", *self._product.environments)
        ]
        return Allow(
            sid="Stacks",
            actions=_LOOK_AT_STACKS,
            resources=stacks,
            because="a comparison reads each of the product's stacks, and those that the change adds; it changes none",
        )
