"""The network of a Lambda function that must reach something in a VPC."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.rights import Allow, everywhere

_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
_LOOKS = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")


@dataclass(frozen=True)
class FunctionNetwork:
    """Subnets of a VPC, by the name of their group, and a security group."""

    vpc: ec2.IVpc
    subnet_group: str
    security_group: ec2.ISecurityGroup

    def rights(self, scope: Construct) -> list[iam.PolicyStatement]:
        """Returns statements that let Lambda attach the function to the network, but not the function's own code."""
        return [
            Allow(
                sid="NetworkInterfaces",
                actions=_INTERFACES,
                resources=[cdk.Stack.of(scope).format_arn(service="ec2", resource="*/*")],
                because="Lambda asks for these before it names an interface, and takes this pattern or `*` only: "
                "docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
            ),
            everywhere(*_LOOKS, sid="LookAtNetwork"),
            # The key is set when the function's code makes the call, and absent when Lambda does: the same page.
            iam.PolicyStatement(
                sid="NotTheCodeItself",
                effect=iam.Effect.DENY,
                actions=[*_INTERFACES, *_LOOKS],
                resources=["*"],
                conditions={"Null": {"lambda:SourceFunctionArn": "false"}},
            ),
        ]
