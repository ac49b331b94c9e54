"""The functions of a cluster of EKS: one that releases into a namespace, and one that prepares the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from slipway.accepted import accept
from slipway.auto_cluster import AutoCluster
from slipway.function_network import FunctionNetwork
from slipway.handler import Handler
from slipway.host_boot import HOSTS

LONGEST = cdk.Duration.minutes(15)
"""The longest time that Lambda lets a function run: docs.aws.amazon.com/lambda, "Quotas"."""


class ClusterFunctions(Construct):
    """Two functions in the VPC, with a role each.

    Default settings:
    - both reach the API server and AWS over HTTPS, nothing else;
    - `release` may do what `statements` and the role bindings of its group allow; a call that fails is not repeated;
    - `prepare` administers the cluster. CloudFormation calls it, with the objects that it applies.
    """

    release: Handler
    prepared: cdk.CustomResource

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: AutoCluster,
        vpc: ec2.IVpc,
        group: str,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        log_retention: logs.RetentionDays,
        log_group_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Functions that ask the API server",
            allow_all_outbound=False,
        )
        security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "The API server, and AWS")
        self._reach = cluster.allow_from("FromFunctions", security_group, "Releases")
        self._network = FunctionNetwork(vpc, "Application", security_group)
        self._code = lambda_.Code.from_asset(
            str(HOSTS),
            exclude=["*", "!slipway_host", "!slipway_host/**", "**/__pycache__"],
            ignore_mode=cdk.IgnoreMode.GIT,
        )
        resource = cluster.cluster
        known = {
            "CLUSTER": cluster.name,
            "ENDPOINT": resource.attr_endpoint,
            "AUTHORITY": resource.attr_certificate_authority_data,
        }
        self.release = self._handler(
            "Release",
            entry="slipway_host.eks.function.main",
            description="Puts a release into the cluster",
            timeout=LONGEST,
            environment={**known, **environment},
            statements=statements,
            log_retention=log_retention,
            log_group_name=log_group_name,
        )
        self.release.configure_async_invoke(retry_attempts=0, max_event_age=cdk.Duration.minutes(5))
        accept(
            self.release,
            "the pipeline's function waits for the result, and fails without one; what the call says is in its run",
            "Serverless-LambdaAsyncFailureDestination",
        )
        self._prepare = self._handler(
            "Prepare",
            entry="slipway_host.eks.prepare.main",
            description="Prepares the cluster: namespace, rights, nodes, targets",
            timeout=cdk.Duration.minutes(10),
            environment=known,
            statements=[],
            log_retention=log_retention,
            log_group_name=None,
        )
        self._entries = [
            cluster.admit("Releases", _role(self.release), group),
            cluster.admit_administrator("Administrator", _role(self._prepare)),
        ]

    def apply(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Define the objects of the cluster, which a deployment applies."""
        self.prepared = cdk.CustomResource(
            self,
            "Prepared",
            resource_type="Custom::ClusterObjects",
            service_token=self._prepare.function_arn,
            service_timeout=cdk.Duration.minutes(15),
            properties={"Objects": cdk.Stack.of(self).to_json_string([dict(thing) for thing in objects])},
        )
        self.prepared.node.add_dependency(self._reach, *self._entries, self._network.security_group)

    def _handler(
        self,
        construct_id: str,
        *,
        entry: str,
        description: str,
        timeout: cdk.Duration,
        environment: dict[str, str],
        statements: Sequence[iam.PolicyStatement],
        log_retention: logs.RetentionDays,
        log_group_name: str | None,
    ) -> Handler:
        return Handler(
            self,
            construct_id,
            name=construct_id,
            description=description,
            timeout=timeout,
            environment=environment,
            log_retention=log_retention,
            statements=statements,
            network=self._network,
            code=self._code,
            entry=entry,
            log_group_name=log_group_name,
        )


def _role(function: Handler) -> iam.IRole:
    assert function.role is not None  # noqa: S101 - for mypy: the handler defines its role
    return function.role
