"""IAM's decision on attaching a volume: the volume and the instance count, each with its tags."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def tagged(kind: str, group: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "group", "Value": group}]}]


def allow(kind: str, **condition: str) -> dict[str, Any]:
    resource = f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/*"
    more = {"Condition": {"StringEquals": condition}} if condition else {}
    return {"Effect": "Allow", "Action": "ec2:AttachVolume", "Resource": resource, **more}


def refused(plain: Plain, *statements: dict[str, Any], volume: str, instance: str) -> str:
    """Returns why a role with these statements may not attach the volume; empty if IAM allows it."""
    session = plain.session(plain.role(unique("attaching"), *statements))
    try:
        plain.client("ec2", session).attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    except ClientError as error:
        denied = error.response["Error"]["Code"] == "UnauthorizedOperation"
        return str(error) if denied else ""
    return ""


@pytest.mark.parametrize("key", ["aws:ResourceTag/group", "ec2:ResourceTag/group"])
def test_attaching_needs_the_volume_and_the_instance_with_its_tags(plain: Plain, key: str) -> None:
    ec2, mine, other = plain.client("ec2"), unique("mine"), unique("other")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    # An image that is no host's: the instance is on record only, which is enough for IAM.
    instance = ec2.run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, TagSpecifications=tagged("instance", mine)
    )["Instances"][0]["InstanceId"]
    places = {"volume": volume, "instance": instance}

    assert refused(plain, allow("volume"), allow("instance", **{key: mine}), **places) == ""
    assert instance in refused(plain, allow("volume"), allow("instance", **{key: other}), **places)
    assert instance in refused(plain, allow("volume"), **places)
    assert volume in refused(plain, allow("instance"), **places)
