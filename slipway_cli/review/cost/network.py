"""What networks use: NAT, endpoints, addresses, load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import UnknownUseError, Use

_ROOT_DISK_GB = Decimal(8)  # of Amazon Linux 2023's image


def nat_gateway(resource: Resource) -> Iterator[Use]:
    """A gateway's hours; the environment's traffic is counted once, at its first gateway."""
    yield Use("NAT gateway", "nat-gateway-hour", resource.assume.hours, "hours")
    gateways = [logical_id for logical_id, _ in resource.of_type("AWS::EC2::NatGateway")]
    if resource.logical_id == min(gateways):
        gb = resource.assume.nat_gb
        yield Use("traffic through NAT", "nat-gateway-gb", gb, "GB", f"{gb} GB a month, over all gateways")


def instance(resource: Resource) -> Iterator[Use]:
    """An EC2 instance with its disk; with its address, where it asks for a public one."""
    size = resource.text("InstanceType")
    yield Use(f"{size} instance", f"ec2-{size}-hour", resource.assume.hours, "hours")
    yield Use(f"disk of the {size} instance", "ebs-gp3-gb-month", _ROOT_DISK_GB, "GB", "8 GB, as its image says")
    if any(
        interface.get("AssociatePublicIpAddress") is True
        for interface in resource.properties.get("NetworkInterfaces", [])
    ):
        yield Use(f"public address of the {size} instance", "public-ipv4-hour", resource.assume.hours, "hours")


def address(resource: Resource) -> Iterator[Use]:
    """A public IPv4 address, in use or not."""
    yield Use("public IPv4 address", "public-ipv4-hour", resource.assume.hours, "hours")


def endpoint(resource: Resource) -> Iterator[Use]:
    """An interface endpoint in each of its subnets; one for a gateway (S3, DynamoDB) costs nothing."""
    kind = resource.text("VpcEndpointType", "Gateway")
    if kind == "Gateway":
        return
    subnets = resource.properties.get("SubnetIds")
    if kind != "Interface" or not isinstance(subnets, list):
        raise UnknownUseError(f"prices are of interface endpoints with stated subnets, this is {kind}")
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
    """An application load balancer, and what goes through it."""
    kind = resource.text("Type", "application")
    if kind != "application":
        raise UnknownUseError(f"prices are of application load balancers, this is a {kind} one")
    units = resource.assume.balancer_units
    yield Use("load balancer", "alb-hour", resource.assume.hours, "hours")
    yield Use(
        "load balancer, capacity", "alb-lcu-hour", units * resource.assume.hours, "LCU-hours", f"{units} on average"
    )


def _service(resource: Resource) -> str:
    """The service behind an endpoint, as its last words say: `ecr.api` of `com.amazonaws.us-east-1.ecr.api`."""
    name = resource.properties.get("ServiceName")
    if isinstance(name, dict):  # joined around the region
        return str(name.get("Fn::Join", ["", [resource.logical_id]])[1][-1]).lstrip(".")
    return str(name).removeprefix("com.amazonaws.").partition(".")[2] or resource.logical_id
