"""A small Lambda function with the code in `lambda/<name>`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from slipway.accepted import accept, accept_aws_key, accept_double_dependency, audits
from slipway.function_network import FunctionNetwork
from slipway.log_retention import accept_log_encryption
from slipway.rights import give

_SOURCE = Path(__file__).resolve().parents[2] / "lambda"  # not from paths.py: constructs import only constructs


class Handler(lambda_.Function):
    """The handler `lambda/<name>/handler.py:main`, with only the standard library and boto3.

    Default settings:
    - Python 3.13 on Graviton, 256 MiB;
    - its asset holds only its own folder, `shared/` and `libraries`, so that other changes do not redeploy it;
    - its log group has a retention and is deleted with its stack;
    - its role may write to that log group and do what `statements` allow, nothing else;
    - `undelivered`: the dead-letter queue for events on which the function failed three times;
    - `network`: the VPC and subnets of a function that calls resources there; none by default;
    - `code`, `entry`: an asset from elsewhere, and the function in it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        timeout: cdk.Duration,
        environment: dict[str, str],
        log_retention: logs.RetentionDays,
        statements: Sequence[iam.PolicyStatement],
        role_name: str | None = None,
        undelivered: sqs.IQueue | None = None,
        network: FunctionNetwork | None = None,
        libraries: Sequence[str] = (),
        code: lambda_.Code | None = None,
        entry: str | None = None,
        log_group_name: str | None = None,
    ) -> None:
        log_group = _define_log_group(scope, construct_id, log_retention, log_group_name)
        role = _define_role(scope, construct_id, name, role_name)
        give(role, (_write_log(log_group), *statements, *(network.rights(scope) if network else ())))
        super().__init__(
            scope,
            construct_id,
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=256,
            handler=entry or f"{name}.handler.main",
            code=code or _code(name, "shared", *libraries),
            role=role,
            timeout=timeout,
            environment=environment,
            log_group=log_group,
            on_failure=destinations.SqsDestination(undelivered) if undelivered else None,
            vpc=network.vpc if network else None,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name=network.subnet_group) if network else None,
            security_groups=[network.security_group] if network else None,
        )
        self._accept(inside=network is not None)

    def _accept(self, *, inside: bool) -> None:
        if not inside:
            accept(
                self,
                "it calls AWS and GitHub only; in a VPC it would need NAT to reach them, and reach databases it need "
                "not",
                *audits("LambdaInsideVPC"),
                "CKV_AWS_117",
            )
        accept(
            self,
            "a reservation is refused in new accounts, which may run ten calls at once, and starves other functions",
            *audits("LambdaConcurrency", "NIST", "HIPAA"),
            "CKV_AWS_115",
        )
        accept(
            self,
            "whoever calls it notices: CodePipeline and Secrets Manager fail and repeat, events go to `undelivered`; "
            "a queue of failed calls would keep the credentials that come with a job",
            *audits("LambdaDLQ", "NIST", "HIPAA"),
            "Serverless-LambdaDLQ",
            "CKV_AWS_116",
        )
        accept(
            self,
            "Python 3.13 is supported until 2029, and is what the local cloud runs: tested before it is trusted",
            "AwsSolutions-L1",
            "Serverless-LambdaLatestVersion",
        )
        accept(
            self,
            "one call of one function, told line by line in its log; a trace would say no more, and be another right",
            "Serverless-LambdaTracing",
        )
        accept_double_dependency(self)
        accept_aws_key(self, "CKV_AWS_173")


def _code(*folders: str) -> lambda_.Code:
    """Returns the asset of the named folders of `lambda/`."""
    return lambda_.Code.from_asset(
        str(_SOURCE),
        exclude=["*", *(f"!{folder}{rest}" for folder in folders for rest in ("", "/**")), "**/__pycache__"],
        ignore_mode=cdk.IgnoreMode.GIT,
    )


def _define_log_group(
    scope: Construct, construct_id: str, log_retention: logs.RetentionDays, name: str | None
) -> logs.LogGroup:
    log_group = logs.LogGroup(
        scope,
        f"{construct_id}Logs",
        log_group_name=name,
        retention=log_retention,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    accept_log_encryption(log_group)
    return log_group


def _write_log(log_group: logs.LogGroup) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="WriteLog",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[log_group.log_group_arn],
    )


def _define_role(scope: Construct, construct_id: str, name: str, role_name: str | None) -> iam.Role:
    # No aws:SourceArn in the trust policy: Lambda does not document that it sends one when it assumes the role.
    return iam.Role(
        scope,
        f"{construct_id}Role",
        role_name=role_name,
        description=f"Function {name}",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
