"""The role of hosts: what Systems Manager's agent, Docker and the program that applies releases may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.accepted import accept
from slipway.host_boot import NAMESPACE
from slipway.rights import Allow, everywhere, give

# Those of the managed policy AmazonSSMManagedInstanceCore that commands, associations and patches need. Left out are
# its rights to read every parameter of the account.
_AGENT = (
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutComplianceItems",
    "ssm:PutInventory",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
)
# The agent needs ec2messages only where it has no ssmmessages: docs.aws.amazon.com/systems-manager, ec2messages and
# ssmmessages.
_CHANNELS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
_AS_THE_AGENT = (
    "the agent calls them for its own host and names no resource: AmazonSSMManagedInstanceCore allows them so"
)


@dataclass(frozen=True)
class Readable:
    """The ARNs of the objects, parameters, secrets and images that hosts may read."""

    releases: str
    """The bucket of the releases."""
    runner: str
    """The object with the program that applies releases."""
    configuration: str
    """The parameter with the configuration."""
    secrets: Sequence[str]
    repositories: Sequence[str]
    """The repositories of the images."""
    log_groups: Sequence[str]
    """The log groups that hosts write to."""


class HostRole(iam.Role):
    """The role of an environment's hosts. Containers do not get it: the metadata service answers the host alone."""

    def __init__(
        self, scope: Construct, construct_id: str, *, readable: Readable, statements: Sequence[iam.PolicyStatement]
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Hosts: releases, logs, metrics",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
        )
        give(self, [*_agent(), *_release(readable), *_report(readable), *statements])
        accept(self, _AS_THE_AGENT, "CKV_AWS_111")

    def attach(self, volumes: Sequence[str], tags: Mapping[str, str]) -> None:
        """Allow each host to attach these volumes to hosts with these tags; the arguments are ARNs and tags."""
        instances = cdk.Stack.of(self).format_arn(service="ec2", resource="instance", resource_name="*")
        give(
            self,
            [
                iam.PolicyStatement(sid="AttachDataDisk", actions=["ec2:AttachVolume"], resources=list(volumes)),
                Allow(
                    sid="AttachToHosts",
                    actions=["ec2:AttachVolume"],
                    resources=[instances],
                    conditions={"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}},
                    because="EC2 makes up an instance's id when it replaces a host; the host's tags are a condition",
                ),
            ],
        )


def _agent() -> list[iam.PolicyStatement]:
    return [
        Allow(sid="BeManaged", actions=_AGENT, resources=["*"], because=_AS_THE_AGENT),
        everywhere(*_CHANNELS, sid="ReceiveCommands"),
    ]


def _release(readable: Readable) -> list[iam.PolicyStatement]:
    return [
        Allow(
            sid="ReadReleases",
            actions=["s3:GetObject"],
            resources=[f"{readable.releases}/*"],
            because="a release is named by its digest; the bucket holds nothing else",
        ),
        # Without it, S3 answers 403 instead of 404 before the first release.
        iam.PolicyStatement(sid="ListReleases", actions=["s3:ListBucket"], resources=[readable.releases]),
        iam.PolicyStatement(sid="ReadRunner", actions=["s3:GetObject"], resources=[readable.runner]),
        iam.PolicyStatement(sid="ReadConfiguration", actions=["ssm:GetParameter"], resources=[readable.configuration]),
        *(
            [
                iam.PolicyStatement(
                    sid="ReadSecrets", actions=["secretsmanager:GetSecretValue"], resources=list(readable.secrets)
                )
            ]
            if readable.secrets
            else []
        ),
        iam.PolicyStatement(
            sid="PullImages",
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=list(readable.repositories),
        ),
        everywhere("ecr:GetAuthorizationToken", sid="LogInToRegistry"),
    ]


def _report(readable: Readable) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="WriteLogs",
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=list(readable.log_groups),
        ),
        everywhere("logs:DescribeLogGroups", sid="FindLogGroups"),
        everywhere(
            "cloudwatch:PutMetricData",
            sid="WriteMetrics",
            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        ),
    ]
