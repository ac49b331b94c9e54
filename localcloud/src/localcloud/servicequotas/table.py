"""AWS's default quotas that this cloud knows.

Names, codes and defaults: docs.aws.amazon.com/general/latest/gr, the page of each service. CodeBuild's and
Fargate's are those of a new account, which AWS raises with the account's use.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """One quota of a service."""

    service: str
    service_name: str
    code: str
    name: str
    default: float
    everywhere: bool = False
    """True if the quota is one of the account, not of a region; AWS serves it in us-east-1."""


_EC2 = ("ec2", "Amazon Elastic Compute Cloud (Amazon EC2)")
_VPC = ("vpc", "Amazon Virtual Private Cloud (Amazon VPC)")
_BUILDS = ("codebuild", "AWS CodeBuild")
_FARGATE = ("fargate", "AWS Fargate")

KNOWN: tuple[Quota, ...] = (
    Quota(*_VPC, "L-F678F1CE", "VPCs per Region", 5),
    Quota(*_VPC, "L-0EA8095F", "Inbound or outbound rules per security group", 60),
    Quota(*_VPC, "L-FE5A380F", "NAT gateways per Availability Zone", 5),
    Quota(*_EC2, "L-0263D0A3", "EC2-VPC Elastic IPs", 5),
    Quota(*_EC2, "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5),
    Quota(*_FARGATE, "L-3032A538", "Fargate On-Demand vCPU resource count", 6),
    Quota(*_FARGATE, "L-36FBB829", "Fargate Spot vCPU resource count", 6),
    Quota(*_BUILDS, "L-9D07B6EF", "Concurrently running builds for Linux/Small environment", 1),
    Quota(*_BUILDS, "L-2DC20C30", "Concurrently running builds for Linux/Medium environment", 1),
    Quota(*_BUILDS, "L-5ED1D25B", "Concurrently running builds for ARM/Small environment", 1),
    Quota(*_BUILDS, "L-596BEAB4", "Concurrently running builds for ARM/Large environment", 1),
    Quota("cloudfront", "Amazon CloudFront", "L-24B04930", "Web distributions per AWS account", 200, everywhere=True),
)
