"""An empty stack for tests of one construct."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from tests.support.synthesis import Json, app


def empty_stack() -> cdk.Stack:
    """Returns a stack in a new app, in a region with known zones."""
    stack = cdk.Stack(app(), "Stack", env=cdk.Environment(account="111122223333", region="us-east-1"))
    stack.node.set_context("availability-zones:account=111122223333:region=us-east-1", ["us-east-1a", "us-east-1b"])
    return stack


def any_vpc(stack: cdk.Stack) -> ec2.Vpc:
    """Returns a VPC with the subnets that constructs select by name."""
    return ec2.Vpc(
        stack,
        "Vpc",
        availability_zones=["us-east-1a", "us-east-1b"],
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(name=name, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            for name in ("Application", "Data")
        ],
    )


def only(template: Template, kind: str) -> Json:
    """Returns the only resource of a type."""
    (found,) = template.find_resources(kind).values()
    return dict(found)


def properties(template: Template, kind: str) -> Json:
    """Returns the properties of the only resource of a type."""
    return dict(only(template, kind)["Properties"])
