"""The VPC of an environment, and the two security groups between CloudFront and the containers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.network import ProductNetwork
from tests.support.stack import empty_stack, properties
from tests.support.synthesis import Json

DEFAULTS: dict[str, Any] = {
    "cidr": "10.0.0.0/16",
    "zones": ["us-east-1a", "us-east-1b"],
    "nat": "gateway",
    "nat_count": 1,
    "internet_ports": [443],
    "store_ports": [5432, 6379],
    "restarts_services": False,
    "listener_port": 443,
    "cloudfront_prefix_list": "pl-1",
}
GROUP = "AWS::EC2::SecurityGroup"
ENDPOINT = "AWS::EC2::VPCEndpoint"


def network(**changes: Any) -> Template:
    stack = empty_stack()
    made = ProductNetwork(stack, "Network", flow_logs=logs.LogGroup(stack, "FlowLogs"), **{**DEFAULTS, **changes})
    made.admit(8000)
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return network()


@pytest.fixture(scope="module")
def closed() -> Template:
    return network(nat="none", restarts_services=True)


@pytest.fixture(scope="module")
def instance() -> Template:
    return network(nat="instance")


def group(template: Template, description: str) -> Json:
    (found,) = [
        entry["Properties"]
        for entry in template.find_resources(GROUP).values()
        if entry["Properties"]["GroupDescription"].startswith(description)
    ]
    return dict(found)


def subnets(template: Template, name: str) -> list[str]:
    """The logical ids of the subnets of a name."""
    return [
        logical_id
        for logical_id, entry in template.find_resources("AWS::EC2::Subnet").items()
        if {"Key": "aws-cdk:subnet-name", "Value": name} in entry["Properties"]["Tags"]
    ]


def ways_out(template: Template, name: str) -> list[Json]:
    """The default routes of the subnets of a name."""
    tables = {
        entry["Properties"]["RouteTableId"]["Ref"]
        for entry in template.find_resources("AWS::EC2::SubnetRouteTableAssociation").values()
        if entry["Properties"]["SubnetId"]["Ref"] in subnets(template, name)
    }
    routes = [entry["Properties"] for entry in template.find_resources("AWS::EC2::Route").values()]
    return [route for route in routes if route["RouteTableId"]["Ref"] in tables]


@pytest.mark.parametrize("name", ["Public", "Application", "Data"])
def test_every_zone_has_a_subnet_of_each_kind(template: Template, name: str) -> None:
    assert len(subnets(template, name)) == 2


def test_the_application_reaches_the_internet_through_nat(template: Template) -> None:
    routes = ways_out(template, "Application")

    assert [("NatGatewayId" in route, "GatewayId" in route) for route in routes] == [(True, False)] * 2
    template.resource_count_is("AWS::EC2::NatGateway", 1)


def test_without_nat_the_application_has_only_interface_endpoints(closed: Template) -> None:
    kinds = [entry["Properties"]["VpcEndpointType"] for entry in closed.find_resources(ENDPOINT).values()]

    assert ways_out(closed, "Application") == []
    closed.resource_count_is("AWS::EC2::NatGateway", 0)
    assert sorted(kinds) == ["Gateway"] + ["Interface"] * 6


def test_the_api_of_ecs_has_an_endpoint_only_if_functions_restart_services(closed: Template) -> None:
    def services(template: Template) -> list[str]:
        names = [entry["Properties"]["ServiceName"] for entry in template.find_resources(ENDPOINT).values()]
        return [name for name in names if str(name).endswith(".ecs")]

    assert len(services(closed)) == 1
    assert services(network(nat="none")) == []


@pytest.mark.parametrize("which", ["template", "closed", "instance"])
def test_data_subnets_have_no_route_out(which: str, request: pytest.FixtureRequest) -> None:
    assert ways_out(request.getfixturevalue(which), "Data") == []


def test_s3_is_reached_through_a_gateway_endpoint(template: Template) -> None:
    found = properties(template, ENDPOINT)

    assert found["VpcEndpointType"] == "Gateway"
    assert ".s3" in json.dumps(found["ServiceName"])


def test_all_traffic_is_logged_to_cloudwatch(template: Template) -> None:
    found = properties(template, "AWS::EC2::FlowLog")

    assert (found["TrafficType"], found["LogDestinationType"]) == ("ALL", "cloud-watch-logs")


def admitted(template: Template, name: str) -> list[Json]:
    """The rules of their own that let something into a group, by its construct's name."""
    rules = [entry["Properties"] for entry in template.find_resources("AWS::EC2::SecurityGroupIngress").values()]
    return [rule for rule in rules if rule["GroupId"]["Fn::GetAtt"][0].startswith(f"Network{name}")]


def test_the_load_balancer_admits_cloudfronts_origin_addresses_on_the_listeners_port_and_nobody_else(
    template: Template,
) -> None:
    rules = admitted(template, "LoadBalancer")

    assert "SecurityGroupIngress" not in group(template, "Load balancer")
    assert [(entry["SourcePrefixListId"], entry["FromPort"], entry["ToPort"]) for entry in rules] == [
        ("pl-1", 443, 443)
    ]


def test_the_application_admits_the_load_balancer_only(template: Template) -> None:
    (rule,) = admitted(template, "Application")

    assert "SecurityGroupIngress" not in group(template, "Containers")
    assert rule["SourceSecurityGroupId"]["Fn::GetAtt"][0].startswith("NetworkLoadBalancer")
    assert (rule["FromPort"], rule["ToPort"]) == (8000, 8000)


def test_the_application_reaches_the_internet_and_the_stores_on_their_ports_only(template: Template) -> None:
    rules = group(template, "Containers")["SecurityGroupEgress"]

    assert [(entry["CidrIp"], entry["FromPort"], entry["ToPort"]) for entry in rules] == [
        ("0.0.0.0/0", 443, 443),
        ("10.0.0.0/16", 5432, 5432),
        ("10.0.0.0/16", 6379, 6379),
    ]


def test_no_other_group_lets_anything_out_but_the_nat_instances(closed: Template, instance: Template) -> None:
    def leaving(template: Template) -> list[str]:
        """The groups with a rule for all traffic, or with none: EC2 then lets everything out."""
        apart = template.find_resources("AWS::EC2::SecurityGroupEgress").values()
        ruled = {entry["Properties"]["GroupId"]["Fn::GetAtt"][0] for entry in apart}
        nothing = "255.255.255.255/32"  # what the library writes for no rule at all
        return [
            entry["Properties"]["GroupDescription"]
            for logical_id, entry in template.find_resources(GROUP).items()
            if any(
                rule["IpProtocol"] == "-1" and rule.get("CidrIp") != nothing
                for rule in entry["Properties"].get(
                    "SecurityGroupEgress", [{"IpProtocol": "-1"}] * (logical_id not in ruled)
                )
            )
        ]

    assert leaving(closed) == []
    assert leaving(instance) == ["Security Group for NAT instances"]


def test_a_nat_instance_is_hardened_and_admits_this_network_only(instance: Template) -> None:
    found = properties(instance, "AWS::EC2::Instance")
    rules = group(instance, "Security Group for NAT")["SecurityGroupIngress"]

    assert found["MetadataOptions"] == {"HttpTokens": "required"}
    assert [entry["Ebs"]["Encrypted"] for entry in found["BlockDeviceMappings"]] == [True]
    assert [entry["CidrIp"] for entry in rules] == ["10.0.0.0/16"]
