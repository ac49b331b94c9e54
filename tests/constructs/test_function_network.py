"""The network of a Lambda function that calls a resource in a VPC."""

from __future__ import annotations

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from slipway.function_network import FunctionNetwork
from tests.support.stack import any_vpc, empty_stack

INTERFACES = {
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
LOOKS = {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}


@pytest.fixture(scope="module")
def rights() -> list[iam.PolicyStatement]:
    stack = empty_stack()
    vpc = any_vpc(stack)
    return FunctionNetwork(vpc, "Application", ec2.SecurityGroup(stack, "Group", vpc=vpc)).rights(stack)


def test_lambda_may_create_and_delete_network_interfaces_in_this_account_and_region(
    rights: list[iam.PolicyStatement],
) -> None:
    (statement,) = [item for item in rights if item.sid == "NetworkInterfaces"]

    assert set(statement.actions) == INTERFACES
    assert [item.partition(":ec2:")[2] for item in statement.resources] == ["us-east-1:111122223333:*/*"]


def test_lambda_may_describe_the_network(rights: list[iam.PolicyStatement]) -> None:
    (statement,) = [item for item in rights if item.sid == "LookAtNetwork"]

    assert (set(statement.actions), statement.resources) == (LOOKS, ["*"])


def test_the_functions_own_code_may_do_neither(rights: list[iam.PolicyStatement]) -> None:
    (refusal,) = [item for item in rights if item.effect is iam.Effect.DENY]
    allowed = {action for item in rights if item.effect is iam.Effect.ALLOW for action in item.actions}

    assert set(refusal.actions) == allowed == INTERFACES | LOOKS
    assert refusal.resources == ["*"]
    assert refusal.conditions == {"Null": {"lambda:SourceFunctionArn": "false"}}
