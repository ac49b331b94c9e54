"""Scheduled rotation of the database password, including the running tasks."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.composed_secret import ComposedSecret, Part
from slipway.database_users import DatabaseUsers
from slipway.handler import Handler
from slipway.rights import everywhere


class PasswordRotation(Construct):
    """Gives the application's idle user a new password, and restarts the services.

    Those of the secrets `composed` that contain the user or the password are composed again.
    Running tasks stay logged in as the other user, whose password is valid until the next rotation (docs/adr/0017).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        users: DatabaseUsers,
        master: secretsmanager.ISecret,
        composed: Sequence[ComposedSecret],
        cluster: ecs.ICluster,
        services: Sequence[ecs.FargateService],
        every: cdk.Duration,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        composed = [secret for secret in composed if users.credentials in secret.sources()]
        handler = Handler(
            self,
            "Handler",
            name="rotate_database_password",
            description="Rotates the database user's password, rewrites what contains it, restarts the services",
            timeout=cdk.Duration.minutes(3),
            environment={
                **users.environment,
                "COMPOSED": cdk.Stack.of(self).to_json_string(
                    [{"secret": secret.secret_arn, "parts": _parts(secret, users.credentials)} for secret in composed],
                    1,  # with spaces, so that no scanner takes the parts for an address with a password
                ),
                "CLUSTER": cluster.cluster_name,
                "SERVICES": ",".join(service.service_name for service in services),
            },
            log_retention=log_retention,
            statements=_rights(users.credentials, master, composed, services),
            network=users.network,
            libraries=["database"],
        )
        handler.add_permission(
            "SecretsManager",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=cdk.Stack.of(self).account,
        )
        schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=users.credentials.secret_arn,
            rotation_lambda_arn=handler.function_arn,
            rotate_immediately_on_update=False,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                automatically_after_days=every.to_days()
            ),
        )
        # The schedule references the function, but not the permission to invoke it.
        schedule.node.add_dependency(handler.node.find_child("SecretsManager"))


def _parts(composed: ComposedSecret, credentials: secretsmanager.ISecret) -> list[object]:
    """Returns the parts of a secret for the function; a part without `secret` is of the credentials."""

    def shown(part: Part) -> object:
        if isinstance(part, str):
            return part
        return {
            **({} if part.secret is credentials else {"secret": part.secret.secret_arn}),
            **({"key": part.key} if part.key else {}),
            **({"in_address": True} if part.in_address else {}),
        }

    return [shown(part) for part in composed.parts]


def _rights(
    credentials: secretsmanager.ISecret,
    master: secretsmanager.ISecret,
    composed: Sequence[ComposedSecret],
    services: Sequence[ecs.FargateService],
) -> list[iam.PolicyStatement]:
    others = dict.fromkeys(
        source.secret_arn for secret in composed for source in secret.sources() if source is not credentials
    )
    statements = [
        iam.PolicyStatement(
            sid="Secrets",
            actions=[
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            resources=[credentials.secret_arn],
        ),
        iam.PolicyStatement(sid="Master", actions=["secretsmanager:GetSecretValue"], resources=[master.secret_arn]),
        iam.PolicyStatement(
            sid="Composed",
            actions=["secretsmanager:PutSecretValue"],
            resources=[secret.secret_arn for secret in composed],
        ),
        everywhere("secretsmanager:GetRandomPassword", sid="RandomPassword"),
        iam.PolicyStatement(
            sid="Restart", actions=["ecs:UpdateService"], resources=[service.service_arn for service in services]
        ),
    ]
    if others:
        statements.append(
            iam.PolicyStatement(sid="OtherParts", actions=["secretsmanager:GetSecretValue"], resources=[*others])
        )
    return statements
