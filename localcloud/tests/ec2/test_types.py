"""EC2 describes the instance types that it offers, and CloudFront's prefix list has its real id."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain

__all__ = ["plain"]

pytestmark = pytest.mark.local


@pytest.mark.parametrize(
    ("name", "architecture", "vcpus", "memory"),
    [
        ("t4g.small", "arm64", 2, 2048),
        ("t2.micro", "x86_64", 1, 1024),
        ("t3.xlarge", "x86_64", 4, 16384),
        ("m7g.medium", "arm64", 1, 4096),
        ("c6i.2xlarge", "x86_64", 8, 16384),
        ("r6g.large", "arm64", 2, 16384),
    ],
)
def test_a_type_has_the_figures_of_awss_documentation(
    plain: Plain, name: str, architecture: str, vcpus: int, memory: int
) -> None:
    found = plain.client("ec2").describe_instance_types(InstanceTypes=[name])["InstanceTypes"]
    assert [described["InstanceType"] for described in found] == [name]
    assert found[0]["ProcessorInfo"]["SupportedArchitectures"] == [architecture]
    assert (found[0]["VCpuInfo"]["DefaultVCpus"], found[0]["MemoryInfo"]["SizeInMiB"]) == (vcpus, memory)


def test_a_type_that_does_not_exist_is_named(plain: Plain) -> None:
    with pytest.raises(ClientError, match=r"InvalidInstanceType.*\[t9\.small\]"):
        plain.client("ec2").describe_instance_types(InstanceTypes=["t9.small", "t4g.small"])


def test_offerings_are_filtered_by_type_and_zone(plain: Plain) -> None:
    ec2 = plain.client("ec2")
    filters = [{"Name": "instance-type", "Values": ["t4g.small", "t9.*"]}]
    found = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=filters)
    places = [(offering["InstanceType"], offering["Location"]) for offering in found["InstanceTypeOfferings"]]
    assert places == [("t4g.small", f"us-east-1{letter}") for letter in "abc"]

    filters.append({"Name": "location", "Values": ["us-east-1b", "us-east-1f"]})
    found = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=filters)
    assert [offering["Location"] for offering in found["InstanceTypeOfferings"]] == ["us-east-1b"]


@pytest.mark.parametrize(("region", "identifier"), [("us-east-1", "pl-3b927c52"), ("eu-central-1", "pl-a3a144ca")])
def test_cloudfronts_prefix_list_has_its_real_id(plain: Plain, region: str, identifier: str) -> None:
    name = "com.amazonaws.global.cloudfront.origin-facing"
    filters = [{"Name": "prefix-list-name", "Values": [name]}]
    found = plain.client("ec2", region=region).describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    assert [(listed["PrefixListName"], listed["PrefixListId"]) for listed in found] == [(name, identifier)]
