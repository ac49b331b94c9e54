"""ARNs of resources that another stack or an operator creates, built from their names."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct


def repository(scope: IConstruct, account: str, region: str, name: str) -> str:
    """Returns the ARN of an ECR repository."""
    return cdk.Stack.of(scope).format_arn(
        service="ecr", region=region, account=account, resource="repository", resource_name=name
    )


def role(scope: IConstruct, account: str, name: str) -> str:
    """Returns the ARN of an IAM role."""
    return cdk.Stack.of(scope).format_arn(
        service="iam", region="", account=account, resource="role", resource_name=name
    )


def secret(scope: IConstruct, name: str) -> str:
    """Returns the ARN pattern of a secret: Secrets Manager appends six random characters to the name."""
    return cdk.Stack.of(scope).format_arn(
        service="secretsmanager",
        resource="secret",
        resource_name=f"{name}-??????",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def topic(scope: IConstruct, name: str) -> str:
    """Returns the ARN of an SNS topic in the scope's own account and region."""
    return cdk.Stack.of(scope).format_arn(service="sns", resource=name)
