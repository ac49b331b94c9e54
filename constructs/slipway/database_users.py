"""The application's own users in a database. They own its schema; the master user is another one."""

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
"""Increase it when lambda/manage_database_users changes, so that a deployment runs it again on existing databases."""


class DatabaseUsers(Construct):
    """Two users that are in use alternately and act as one role. A function creates them as the master user.

    Default settings:
    - the role owns the schema and all that the application creates, and takes over what the master user created;
    - the users can create neither roles nor databases;
    - `credentials` holds the generated password and the name of the user in use;
    - `created` completes when the application can log in: every resource that needs the login depends on it.
    """

    credentials: secretsmanager.ISecret
    created: cdk.CustomResource
    environment: Mapping[str, str]
    """Environment variables for lambda/database/users.py, in every function that manages the users."""
    network: FunctionNetwork
    """The network of these functions."""

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
            timeout=cdk.Duration.minutes(3),  # the function waits up to a minute until the database responds
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
        # The function reaches the database only when the rules of both security groups exist.
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
        # For Secrets Manager, ECS, and S3, to which a custom resource responds: all of them have public addresses.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS")
        return group
