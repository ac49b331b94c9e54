"""A role that named roles of another place become, for one task."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.rights import give


class AccessRole(iam.Role):
    """A role that only the roles named in `callers` can take, for an hour.

    The callers are pinned by condition instead of as principals: a principal must exist when the trust is written, and
    an environment may be deployed before the pipeline that releases to it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role_name: str,
        description: str,
        account: str,
        callers: Sequence[str],
        statements: Sequence[iam.PolicyStatement],
    ) -> None:
        format_arn = cdk.Stack.of(scope).format_arn
        principals = [  # the partition as a reference, which deployed trusts have, not as the stack's literal
            format_arn(
                service="iam",
                region="",
                account=account,
                partition=cdk.Aws.PARTITION,
                resource="role",
                resource_name=caller,
            )
            for caller in callers
        ]
        super().__init__(
            scope,
            construct_id,
            role_name=role_name,
            description=description,
            assumed_by=iam.PrincipalWithConditions(
                iam.AccountPrincipal(account), {"ArnEquals": {"aws:PrincipalArn": principals}}
            ),
            max_session_duration=cdk.Duration.hours(1),
        )
        give(self, statements)
