"""The pipeline's tasks with hosts, and the rights that they need."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from products import names
from products.flows import needs_url
from slipway.rights import Allow, everywhere
from stacks.scope import EnvironmentScope
from stacks.service_tasks import see_alarms, see_stack
from stacks.target import Task


def host_tasks(
    access: cdk.Stack,
    environment_scope: EnvironmentScope,
    *,
    document: str,
    releases: s3.IBucket,
    targets: elbv2.IApplicationTargetGroup,
) -> list[Task]:
    """Returns the only task: to migrate, to release and to compare are steps of the same document."""
    product, environment = environment_scope.product, environment_scope.name
    tags = names.host_tags(environment, product.name)
    statements = [
        see_stack(access, environment_scope, environment_scope.environment.target),
        *([see_edge(access, environment_scope)] if needs_url(product, environment) else []),
        iam.PolicyStatement(
            sid="RunTheDocument",
            actions=["ssm:SendCommand"],
            resources=[access.format_arn(service="ssm", resource="document", resource_name=document)],
        ),
        Allow(
            sid="OnItsHosts",
            actions=["ssm:SendCommand"],
            resources=[access.format_arn(service="ec2", resource="instance", resource_name="*")],
            conditions={"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}},
            because="EC2 makes up an instance's id when it replaces a host; the host's tags are a condition",
        ),
        everywhere(
            "ssm:CancelCommand",
            "ssm:DescribeInstanceInformation",
            "ssm:GetCommandInvocation",
            "ssm:ListCommandInvocations",
            sid="FollowCommands",
        ),
        everywhere("ec2:DescribeInstances", sid="FindHosts"),
        *see_alarms(access, environment_scope),
        iam.PolicyStatement(
            sid="TakeHostsOut",
            actions=["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
            resources=[targets.target_group_arn],
        ),
        everywhere("elasticloadbalancing:DescribeTargetHealth", sid="SeeHealth"),
        Allow(
            sid="KeepReleases",
            actions=["s3:GetObject", "s3:PutObject"],
            resources=[releases.arn_for_objects("*")],
            because="a release is named by its digest; the bucket holds nothing else",
        ),
        # Without it, S3 answers 403 instead of 404 before the first release.
        iam.PolicyStatement(sid="ListReleases", actions=["s3:ListBucket"], resources=[releases.bucket_arn]),
    ]
    return [Task("deploy", "Put a release onto the hosts", statements, {})]


def see_edge(access: cdk.Stack, environment_scope: EnvironmentScope) -> Allow:
    """Returns the statement that lets a role read the product's address."""
    statement = see_stack(access, environment_scope, "edge")
    statement.sid = "SeeEdge"
    return statement
