"""The functions that actions call: one set for each environment, one for releases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from products import Product, names
from products.flows import Kind
from products.pipeline import Pipeline
from slipway import arns
from slipway.handler import Handler

TIMEOUT = cdk.Duration.minutes(3)  # a call asks a few questions; what takes longer continues in the next call
_TASKS = {
    Kind.DEPLOY: ("deploy", "deploy_release", "Puts a release into the services"),
    Kind.MIGRATE: ("migrate", "run_migrations", "Runs the migrations once"),
    Kind.INVALIDATE: ("invalidate", "invalidate_cache", "Invalidates CloudFront"),
    Kind.VERIFY: ("verify", "verify_release", "Compares what runs with what should"),
}


class Functions:
    """Defines each function when the first action asks for it: pipelines share them, environments do not."""

    def __init__(
        self, stack: cdk.Stack, *, product: Product, pipeline: Pipeline, log_retention: logs.RetentionDays
    ) -> None:
        self._stack, self._product, self._pipeline = stack, product, pipeline
        self._log_retention = log_retention
        self._made: dict[str, Handler] = {}

    def of_environment(self, kind: Kind, environment: str) -> Handler:
        """The function that does one task to one environment; it can take the environment's role for it only."""
        task, name, description = _TASKS[Kind.DEPLOY if kind is Kind.PREPARE else kind]
        construct_id = f"{names.pascal(environment)}{names.pascal(task)}"
        if construct_id not in self._made:
            where = self._product.environments[environment]
            role = names.access_role(environment, self._product.name, task)
            arn = arns.role(self._stack, where.account, role)
            settings = {"region": where.region, "role": arn, **self._settings(task, environment)}
            self._made[construct_id] = self._define(
                construct_id,
                name,
                f"{description}: {environment}",
                settings,
                [iam.PolicyStatement(sid="ActInTheEnvironment", actions=["sts:AssumeRole"], resources=[arn])],
                role_name=names.handler_role(self._product.name, environment, task),
            )
        return self._made[construct_id]

    def promote(self) -> Handler:
        """The function that gives images their release tag."""
        tooling = self._product.tooling
        repositories = [
            arns.repository(self._stack, tooling.account, tooling.region, names.repository(self._product.name, image))
            for image in self._product.images
        ]
        actions = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"]
        statement = iam.PolicyStatement(sid="TagImages", actions=actions, resources=repositories)
        return self._once("Promote", "promote_image", "Gives images their release tag", {}, [statement])

    def publish(self) -> Handler:
        """The function that writes the GitHub release."""
        source = self._product.repository
        settings = {
            "repository": f"{source.owner}/{source.name}",
            "secret": self._pipeline.github.secret,
        }
        statements = github_access(self._stack, self._pipeline)
        return self._once("PublishRelease", "publish_release", "Writes the GitHub release", settings, statements)

    def _once(
        self,
        construct_id: str,
        name: str,
        description: str,
        settings: Mapping[str, Any],
        statements: Sequence[iam.PolicyStatement],
    ) -> Handler:
        if construct_id not in self._made:
            self._made[construct_id] = self._define(construct_id, name, description, settings, statements)
        return self._made[construct_id]

    def _define(
        self,
        construct_id: str,
        name: str,
        description: str,
        settings: Mapping[str, Any],
        statements: Sequence[iam.PolicyStatement],
        *,
        role_name: str | None = None,
    ) -> Handler:
        return Handler(
            self._stack,
            construct_id,
            name=name,
            description=description,
            timeout=TIMEOUT,
            environment={"SETTINGS": json.dumps(settings)},
            log_retention=self._log_retention,
            role_name=role_name,
            statements=statements,  # the action that calls it adds the right to answer its job
        )

    def _settings(self, task: str, environment: str) -> dict[str, Any]:
        product = self._product
        services = product.services_in(environment)
        cluster = names.cluster(environment, product.name)
        running = {name: names.service(environment, product.name, name) for name in services}
        counts = {
            names.count_parameter(name): {"service": running[name], "minimum": service.count}
            for name, service in services.items()
            if service.scaling
        }
        stacks = {it: names.stack(environment, product.name, it) for it in ("services", "edge")}
        settings: dict[str, dict[str, Any]] = {
            "deploy": {"stack": stacks["services"], "cluster": cluster, "counts": counts},
            "migrate": {"stack": stacks["services"]},
            "invalidate": {"stack": stacks["edge"]},
            "verify": {
                "stack": stacks["edge"],
                "path": self._pipeline.verify_path,
                "cluster": cluster,
                "services": list(running.values()),
            },
        }
        return settings[task]


def github_access(stack: cdk.Stack, pipeline: Pipeline) -> list[iam.PolicyStatement]:
    """What writing to GitHub needs."""
    github = pipeline.github
    statements = [read_secrets(stack, [github.secret])]
    if github.app_key_arn:
        statements.append(iam.PolicyStatement(sid="SignAsTheApp", actions=["kms:Sign"], resources=[github.app_key_arn]))
    return statements


def read_secrets(stack: cdk.Stack, secrets: Sequence[str]) -> iam.PolicyStatement:
    """Returns the statement that lets a role read secrets, by their names."""
    return iam.PolicyStatement(
        sid="ReadSecret",
        actions=["secretsmanager:GetSecretValue"],
        resources=[arns.secret(stack, name) for name in secrets],
    )
