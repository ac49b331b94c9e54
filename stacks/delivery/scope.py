"""The context that all parts of the Delivery stack share, and the definitions that several of them use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from products import Product
from products.pipeline import Pipeline
from slipway import arns
from slipway.handler import Handler
from slipway.log_retention import retention

_TIMEOUT = cdk.Duration.minutes(3)  # an invocation makes a few API calls; longer work continues in the next invocation


@dataclass(frozen=True)
class DeliveryScope:
    """The delivery of one product, as the parts of its stack use it."""

    stack: cdk.Stack
    product: Product
    settings: Pipeline
    """The `pipeline:` section of the manifest."""

    @property
    def log_retention(self) -> logs.RetentionDays:
        """Returns how long the logs of builds and functions are kept."""
        return retention(self.settings.log_retention_days)

    def handler(
        self,
        construct_id: str,
        *,
        name: str,
        description: str,
        settings: str,
        statements: Sequence[iam.PolicyStatement],
        role_name: str | None = None,
        undelivered: sqs.IQueue | None = None,
        libraries: Sequence[str] = (),
    ) -> Handler:
        """Define a function with its settings as JSON."""
        return Handler(
            self.stack,
            construct_id,
            name=name,
            description=description,
            timeout=_TIMEOUT,
            environment={"SETTINGS": settings},
            log_retention=self.log_retention,
            role_name=role_name,
            statements=statements,
            undelivered=undelivered,
            libraries=libraries,
        )

    def github_access(self) -> list[iam.PolicyStatement]:
        """Returns the statements that let a function write to GitHub."""
        github = self.settings.github
        statements = [self.read_secrets([github.secret])]
        if github.app_key_arn:
            sign = iam.PolicyStatement(sid="SignAsTheApp", actions=["kms:Sign"], resources=[github.app_key_arn])
            statements.append(sign)
        return statements

    def read_secrets(self, secrets: Sequence[str]) -> iam.PolicyStatement:
        """Returns the statement that lets a function read secrets, by their names."""
        return iam.PolicyStatement(
            sid="ReadSecret",
            actions=["secretsmanager:GetSecretValue"],
            resources=[arns.secret(self.stack, name) for name in secrets],
        )
