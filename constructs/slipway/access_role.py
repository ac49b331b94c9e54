"""A role for one task, which roles of another stack or account assume."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.rights import give


class AccessRole(iam.Role):
    """A role that only the roles named in `callers` can assume, for at most an hour.

    A condition names the callers, instead of the principal: a principal must exist when the trust policy is created,
    and an environment may be deployed before the pipeline that releases to it.
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
        principals = [  # the partition stays a reference, as in trust policies that are already deployed
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
