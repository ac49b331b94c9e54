"""A small Lambda function from `lambda/<name>`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

_SOURCE = Path(__file__).resolve().parents[2] / "lambda"


class Handler(lambda_.Function):
    """The handler `lambda/<name>/handler.py:main`, with nothing but the standard library and boto3.

    Default settings:
    - Python 3.13 on Graviton, 256 MiB;
    - its asset holds its own folder and `shared/` only, so that a change elsewhere does not redeploy it;
    - its log group has a retention and goes with its stack.
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
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=256,
            handler=f"{name}.handler.main",
            code=lambda_.Code.from_asset(
                str(_SOURCE),
                exclude=["*", f"!{name}", f"!{name}/**", "!shared", "!shared/**", "**/__pycache__"],
                ignore_mode=cdk.IgnoreMode.GIT,
            ),
            timeout=timeout,
            environment=environment,
            log_group=logs.LogGroup(
                scope, f"{construct_id}Logs", retention=log_retention, removal_policy=cdk.RemovalPolicy.DESTROY
            ),
        )
