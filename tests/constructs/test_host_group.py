"""Hosts that are replaced when they end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from slipway.host_group import HostGroup, Machine
from tests.support.stack import any_vpc, empty_stack

MACHINE = Machine(instance_type="t4g.small", architecture="arm64", disk_gb=30, data_disk_gb=20)
GROUP, VOLUME = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::Volume"


def hosts(*, count: int = 3, keep: bool = True, **changes: Any) -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    targets = elbv2.ApplicationTargetGroup(stack, "Targets", vpc=vpc, port=80, target_type=elbv2.TargetType.INSTANCE)
    group = HostGroup(
        stack,
        "Hosts",
        name="staging-shop",
        count=count,
        machine=replace(MACHINE, **changes),
        tags={"slipway:product": "shop"},
        vpc=vpc,
        security_group=ec2.SecurityGroup(stack, "Group", vpc=vpc),
        role=iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com")),
        target_group=targets,
        boot=lambda host, volume: ec2.UserData.custom(f"{host} {volume}"),
        keep=keep,
    )
    assert group.hosts == [f"host-{number}" for number in range(1, count + 1)]
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return hosts()


def found(template: Template, kind: str) -> list[Any]:
    return [resource["Properties"] for resource in template.find_resources(kind).values()]


def launched(template: Template) -> list[Any]:
    return [data["LaunchTemplateData"] for data in found(template, "AWS::EC2::LaunchTemplate")]


def test_each_host_is_a_group_of_one(template: Template) -> None:
    assert [(group["MinSize"], group["MaxSize"]) for group in found(template, GROUP)] == [("1", "1")] * 3


def test_hosts_are_in_the_zones_in_turn(template: Template) -> None:
    subnets = [str(group["VPCZoneIdentifier"]) for group in found(template, GROUP)]

    assert subnets[0] == subnets[2] != subnets[1]


def test_a_disk_is_in_the_zone_of_its_host(template: Template) -> None:
    assert [volume["AvailabilityZone"] for volume in found(template, VOLUME)] == [
        "us-east-1a",
        "us-east-1b",
        "us-east-1a",
    ]


def test_every_disk_is_encrypted(template: Template) -> None:
    assert all(volume["Encrypted"] for volume in found(template, VOLUME))
    for data in launched(template):
        assert [device["Ebs"]["Encrypted"] for device in data["BlockDeviceMappings"]] == [True]


def test_containers_cannot_ask_the_metadata_service(template: Template) -> None:
    for data in launched(template):
        assert data["MetadataOptions"]["HttpTokens"] == "required"
        assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_no_host_has_a_key_or_a_public_address(template: Template) -> None:
    for data in launched(template):
        assert "KeyName" not in data
        assert "NetworkInterfaces" not in data


def test_hosts_have_tags_by_which_commands_find_them(template: Template) -> None:
    tags = [
        {tag["Key"]: tag["Value"] for tag in group["Tags"] if tag["PropagateAtLaunch"]}
        for group in found(template, GROUP)
    ]

    assert tags[1] == {"slipway:product": "shop", "slipway:host": "host-2", "Name": "staging-shop-host-2"}


def test_a_host_that_does_not_answer_is_not_replaced(template: Template) -> None:
    assert {group["HealthCheckType"] for group in found(template, GROUP)} == {"EC2"}


@pytest.mark.parametrize(("keep", "policy"), [(True, "Retain"), (False, "Delete")])
def test_disks_are_kept_with_the_data(keep: bool, policy: str) -> None:
    volumes = hosts(count=1, keep=keep).find_resources(VOLUME).values()

    assert {volume["DeletionPolicy"] for volume in volumes} == {policy}


def test_hosts_without_data_have_one_disk() -> None:
    template = hosts(count=1, data_disk_gb=None)

    assert found(template, VOLUME) == []
    assert "host-1 None" in str(launched(template))
