"""The usage of networks: NAT, endpoints, addresses, load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import UnknownUseError, Use

_ROOT_DISK_GB = Decimal(8)  # the size of the Amazon Linux 2023 image


def nat_gateway(resource: Resource) -> Iterator[Use]:
    """Yields the hours of a gateway. The traffic of the environment is counted once, at its first gateway."""
    yield Use("NAT gateway", "nat-gateway-hour", resource.assume.hours, "hours")
    gateways = [logical_id for logical_id, _ in resource.of_type("AWS::EC2::NatGateway")]
    if resource.logical_id == min(gateways):
        gb = resource.assume.nat_gb
        yield Use("traffic through NAT", "nat-gateway-gb", gb, "GB", f"{gb} GB a month, over all gateways")


def instance(resource: Resource) -> Iterator[Use]:
    """Yields an EC2 instance with its disk and, if it has one, its public address."""
    size = resource.text("InstanceType")
    yield Use(f"{size} instance", f"ec2-{size}-hour", resource.assume.hours, "hours")
    yield Use(f"disk of the {size} instance", "ebs-gp3-gb-month", _ROOT_DISK_GB, "GB", "8 GB, the size of its image")
    if any(
        interface.get("AssociatePublicIpAddress") is True
        for interface in resource.properties.get("NetworkInterfaces", [])
    ):
        yield Use(f"public address of the {size} instance", "public-ipv4-hour", resource.assume.hours, "hours")


def address(resource: Resource) -> Iterator[Use]:
    """Yields a public IPv4 address, which costs the same in use or not."""
    yield Use("public IPv4 address", "public-ipv4-hour", resource.assume.hours, "hours")


def endpoint(resource: Resource) -> Iterator[Use]:
    """Yields an interface endpoint in each of its subnets. Gateway endpoints (S3, DynamoDB) are free."""
    kind = resource.text("VpcEndpointType", "Gateway")
    if kind == "Gateway":
        return
    subnets = resource.properties.get("SubnetIds")
    if kind != "Interface" or not isinstance(subnets, list):
        raise UnknownUseError(f"only interface endpoints with given subnets are priced, this is {kind}")
    hours = len(subnets) * resource.assume.hours
    yield Use(
        f"interface endpoint {_service(resource)}, {len(subnets)} zones", "interface-endpoint-hour", hours, "hours"
    )
    endpoints = [
        i
        for i, properties in resource.of_type("AWS::EC2::VPCEndpoint")
        if properties.get("VpcEndpointType") == "Interface"
    ]
    if resource.logical_id == min(endpoints):
        gb = resource.assume.nat_gb
        yield Use(
            "traffic through endpoints", "interface-endpoint-gb", gb, "GB", f"{gb} GB a month, over all endpoints"
        )


def load_balancer(resource: Resource) -> Iterator[Use]:
    """Yields an application load balancer and its capacity units."""
    kind = resource.text("Type", "application")
    if kind != "application":
        raise UnknownUseError(f"only application load balancers are priced, this is a {kind} one")
    units = resource.assume.balancer_units
    yield Use("load balancer", "alb-hour", resource.assume.hours, "hours")
    yield Use(
        "load balancer, capacity", "alb-lcu-hour", units * resource.assume.hours, "LCU-hours", f"{units} on average"
    )


def _service(resource: Resource) -> str:
    """Returns the short name of an endpoint's service: `ecr.api` for `com.amazonaws.us-east-1.ecr.api`."""
    name = resource.properties.get("ServiceName")
    if isinstance(name, dict):  # CDK joins the name and the region
        return str(name.get("Fn::Join", ["", [resource.logical_id]])[1][-1]).lstrip(".")
    return str(name).removeprefix("com.amazonaws.").partition(".")[2] or resource.logical_id
