"""The role of hosts."""

from __future__ import annotations

from typing import Any

from aws_cdk.assertions import Template

from slipway.host_role import HostRole, Readable
from tests.support.stack import empty_stack, properties

VOLUME = "arn:aws:ec2:us-east-1:111122223333:volume/vol-0abc"
READABLE = Readable(
    releases="arn:aws:s3:::releases",
    runner="arn:aws:s3:::assets/runner.zip",
    configuration="arn:aws:ssm:us-east-1:111122223333:parameter/slipway/staging-shop/configuration",
    secrets=["arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/mail-??????"],
    repositories=["arn:aws:ecr:us-east-1:111122223333:repository/shop/backend"],
    log_groups=["arn:aws:logs:us-east-1:111122223333:log-group:/hosts/staging-shop:*"],
)


def statements() -> dict[str, Any]:
    stack = empty_stack()
    role = HostRole(stack, "Role", readable=READABLE, statements=[])
    role.attach([VOLUME], {"slipway:product": "shop"})
    found = properties(Template.from_stack(stack), "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    return {statement["Sid"]: statement for statement in found}


def test_hosts_read_their_own_releases_secrets_and_configuration() -> None:
    found = statements()

    assert found["ReadReleases"]["Resource"] == "arn:aws:s3:::releases/*"
    assert found["ReadRunner"]["Resource"] == READABLE.runner
    assert found["ReadConfiguration"]["Resource"] == READABLE.configuration
    assert found["ReadSecrets"]["Resource"] == READABLE.secrets[0]


def test_hosts_pull_only_their_images_and_push_none() -> None:
    found = statements()

    assert found["PullImages"]["Resource"] == READABLE.repositories[0]
    assert not [sid for sid, statement in found.items() if "ecr:PutImage" in statement["Action"]]


def test_hosts_do_not_read_every_parameter_as_the_managed_policy_allows() -> None:
    reading = [sid for sid, statement in statements().items() if "ssm:GetParameter" in statement["Action"]]

    assert reading == ["ReadConfiguration"]


def test_metrics_are_written_to_the_hosts_namespace_only() -> None:
    assert statements()["WriteMetrics"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Slipway/Hosts"}}


def test_a_disk_is_attached_only_to_hosts_of_the_same_environment() -> None:
    found = statements()

    assert found["AttachDataDisk"]["Resource"] == VOLUME
    assert found["AttachToHosts"]["Condition"] == {"StringEquals": {"aws:ResourceTag/slipway:product": "shop"}}
