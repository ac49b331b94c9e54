"""The application's own users in a database, which own its schema and are not its master."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.function_network import FunctionNetwork
from slipway.generated_secret import GeneratedSecret
from slipway.handler import Handler

_REVISION = 1
"""Raise it when lambda/manage_database_users changes, so that a deployment runs the new code on existing databases."""


class DatabaseUsers(Construct):
    """Two users that log in by turns and act as one role, made by a function that logs in as the master user.

    Default settings:
    - the role owns the schema and whatever the application creates; what the master user created becomes its own;
    - the users may neither create roles nor databases;
    - their password is generated; `credentials` holds it, with the name of the user whose turn it is;
    - `created` completes once the application's login works: whatever needs the login depends on it.
    """

    credentials: secretsmanager.ISecret
    created: cdk.CustomResource
    environment: Mapping[str, str]
    """Environment variables that lambda/database/users.py reads, for every function that manages the users."""
    network: FunctionNetwork
    """Network in which such a function runs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        instance: rds.DatabaseInstance,
        master: secretsmanager.ISecret,
        port: int,
        database_name: str,
        prefix: str,
        sslmode: str,
        keep: bool,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self.network = FunctionNetwork(vpc, "Application", self._define_security_group(vpc, instance, port))
        self.credentials = GeneratedSecret(
            self,
            "Credentials",
            description="Database user and password of the containers",
            length=40,
            keep=keep,
            username=f"{prefix}_1",
        )
        self.environment = self._environment(instance, master, database_name, prefix, sslmode)
        function = self._define_function(master, log_retention)
        self.created = self._define_resource(function, instance, database_name, prefix)

    def _environment(
        self,
        instance: rds.DatabaseInstance,
        master: secretsmanager.ISecret,
        database_name: str,
        prefix: str,
        sslmode: str,
    ) -> dict[str, str]:
        return {
            "HOST": instance.instance_endpoint.hostname,
            "PORT": cdk.Token.as_string(instance.instance_endpoint.port),
            "DATABASE": database_name,
            "SSLMODE": sslmode,
            "OWNER": f"{prefix}_owner",
            "USERS": f"{prefix}_1,{prefix}_2",
            "ADMINISTRATOR_SECRET_ARN": master.secret_arn,
        }

    def _define_function(self, master: secretsmanager.ISecret, log_retention: logs.RetentionDays) -> Handler:
        return Handler(
            self,
            "Function",
            name="manage_database_users",
            description="Creates and repairs the application's database users",
            timeout=cdk.Duration.minutes(3),  # a minute of it for a database that does not answer yet
            environment={**self.environment, "APPLICATION_SECRET_ARN": self.credentials.secret_arn},
            log_retention=log_retention,
            statements=[
                iam.PolicyStatement(
                    sid="Secrets",
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[master.secret_arn, self.credentials.secret_arn],
                )
            ],
            network=self.network,
            libraries=["database"],
        )

    def _define_resource(
        self, function: Handler, instance: rds.DatabaseInstance, database_name: str, prefix: str
    ) -> cdk.CustomResource:
        created = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::DatabaseUsers",
            service_token=function.function_arn,
            service_timeout=cdk.Duration.minutes(10),
            properties={
                "Instance": instance.instance_identifier,
                "Database": database_name,
                "Owner": f"{prefix}_owner",
                "Revision": _REVISION,
            },
        )
        # The rules of both groups: without them the function does not reach the database.
        created.node.add_dependency(self.network.security_group, *instance.connections.security_groups)
        return created

    def _define_security_group(self, vpc: ec2.IVpc, instance: rds.DatabaseInstance, port: int) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Functions that manage database users",
            allow_all_outbound=False,
        )
        instance.connections.allow_from(group, ec2.Port.tcp(port), "Functions that manage users")
        # Secrets Manager, ECS, and S3, where CloudFormation waits for an answer: their addresses are AWS's, and public.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS")
        return group
