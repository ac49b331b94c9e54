"""The Network stack: the VPC, its routes and its security groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.synthesis import Json, Synthesis, shipped, synthesis

STACK = "production-allthrive-network"
NO_INTERNET = {"services.web.internet": False, "services.celery.internet": False}


def network(**keys: Any) -> dict[str, Any]:
    return {f"environments.production.network.{key}": value for key, value in keys.items()}


def count(app: Synthesis, kind: str) -> int:
    return len(app.resources(kind, STACK))


def subnets(app: Synthesis, group: str) -> list[Json]:
    return [
        resource["Properties"]
        for name, resource in app.resources("AWS::EC2::Subnet", STACK).items()
        if f"{group}Subnet" in name
    ]


def default_routes(app: Synthesis, group: str) -> list[Json]:
    return [
        resource["Properties"]
        for name, resource in app.resources("AWS::EC2::Route", STACK).items()
        if f"{group}Subnet" in name and resource["Properties"].get("DestinationCidrBlock") == "0.0.0.0/0"
    ]


def admitted(app: Synthesis, group: str) -> list[Json]:
    """Returns the ingress rules of the security group whose description begins with `group`."""
    ((place, found),) = [
        (place, resource["Properties"])
        for place, resource in app.resources("AWS::EC2::SecurityGroup", STACK).items()
        if resource["Properties"]["GroupDescription"].startswith(group)
    ]
    rules = [resource["Properties"] for resource in app.resources("AWS::EC2::SecurityGroupIngress", STACK).values()]
    apart = [rule for rule in rules if rule["GroupId"]["Fn::GetAtt"][0] == place.partition("/")[2]]
    return [*found.get("SecurityGroupIngress", []), *apart]


@pytest.mark.parametrize("zones", [2, 3])
def test_every_zone_has_a_subnet_of_each_kind(zones: int) -> None:
    changed = synthesis(network(zones=zones, nat_count=1))

    for group in ("Public", "Application", "Data"):
        assert [subnet["AvailabilityZone"] for subnet in subnets(changed, group)] == [
            "us-east-1a",
            "us-east-1b",
            "us-east-1c",
        ][:zones]


def test_the_cidr_block_is_the_manifests() -> None:
    assert synthesis().resource("AWS::EC2::VPC", STACK)["CidrBlock"] == "10.20.0.0/16"


@pytest.mark.parametrize("gateways", [1, 2, 3])
def test_the_manifest_sets_the_number_of_nat_gateways(gateways: int) -> None:
    changed = synthesis(network(nat_count=gateways))

    assert count(changed, "AWS::EC2::NatGateway") == gateways
    assert len({str(route["NatGatewayId"]) for route in default_routes(changed, "Application")}) == gateways


def test_a_nat_instance_replaces_the_gateways() -> None:
    changed = synthesis(network(nat="instance", nat_count=1))

    assert count(changed, "AWS::EC2::NatGateway") == 0
    assert count(changed, "AWS::EC2::Instance") == 1
    assert all(
        "InstanceId" in route or "NetworkInterfaceId" in route for route in default_routes(changed, "Application")
    )
    assert len(default_routes(changed, "Application")) == 3


def test_a_nat_instance_has_a_public_address_although_its_subnet_assigns_none() -> None:
    instance = synthesis(network(nat="instance", nat_count=1)).resource("AWS::EC2::Instance", STACK)

    assert [interface["AssociatePublicIpAddress"] for interface in instance["NetworkInterfaces"]] == [True]


def test_a_nat_instance_admits_only_the_network() -> None:
    changed = synthesis(network(nat="instance", nat_count=1))
    rules = [
        rule
        for resource in changed.resources("AWS::EC2::SecurityGroup", STACK).values()
        for rule in resource["Properties"].get("SecurityGroupIngress", [])
    ]

    assert [rule["CidrIp"] for rule in rules if "CidrIp" in rule] == ["10.20.0.0/16"]


def test_without_nat_there_is_no_route_to_the_internet() -> None:
    changed = synthesis({**NO_INTERNET, **network(nat="none")})

    assert count(changed, "AWS::EC2::NatGateway") == count(changed, "AWS::EC2::Instance") == 0
    assert default_routes(changed, "Application") == []


@pytest.mark.parametrize("days", [None, 30])
def test_without_nat_tasks_reach_what_they_need_through_endpoints(days: int | None) -> None:
    rotation = {"environments.production.database.rotate_password_days": days}
    changed = synthesis({**NO_INTERNET, **network(nat="none"), **rotation})
    endpoints = [resource["Properties"] for resource in changed.resources("AWS::EC2::VPCEndpoint", STACK).values()]
    names = {endpoint["ServiceName"] for endpoint in endpoints if endpoint["VpcEndpointType"] == "Interface"}

    services = {"ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssmmessages"} | ({"ecs"} if days else set())
    assert names == {f"com.amazonaws.us-east-1.{service}" for service in services}
    assert all(endpoint["PrivateDnsEnabled"] for endpoint in endpoints if endpoint["VpcEndpointType"] == "Interface")


def test_with_nat_there_is_only_the_free_endpoint() -> None:
    endpoints = synthesis().resources("AWS::EC2::VPCEndpoint", STACK).values()

    assert [endpoint["Properties"]["VpcEndpointType"] for endpoint in endpoints] == ["Gateway"]


@pytest.mark.parametrize("nat", ["gateway", "instance", "none"])
def test_data_subnets_have_no_route_to_the_internet(nat: str) -> None:
    changed = synthesis({**NO_INTERNET, **network(nat=nat, nat_count=1)})

    assert len(subnets(changed, "Data")) == 3
    assert default_routes(changed, "Data") == []


def test_no_subnet_assigns_public_addresses() -> None:
    assert {subnet["MapPublicIpOnLaunch"] for subnet in subnets(synthesis(), "Public")} == {False}


def test_the_load_balancer_admits_only_cloudfront() -> None:
    (rule,) = admitted(synthesis(), "Load balancer")

    assert (rule["SourcePrefixListId"], rule["FromPort"], rule["ToPort"]) == ("pl-3b927c52", 80, 80)
    assert "CidrIp" not in rule


def test_the_prefix_list_is_the_regions() -> None:
    changed = synthesis({"environments.production.region": "eu-west-1", "environments.production.edge": {}})

    assert [rule["SourcePrefixListId"] for rule in admitted(changed, "Load balancer")] == ["pl-4fa04526"]


def test_the_containers_admit_only_the_load_balancer_and_only_on_their_port() -> None:
    (rule,) = admitted(synthesis(), "Containers")

    assert (rule["FromPort"], rule["ToPort"]) == (8000, 8000)
    assert "NetworkLoadBalancer" in str(rule["SourceSecurityGroupId"])


def test_all_traffic_is_logged() -> None:
    assert synthesis().resource("AWS::EC2::FlowLog", STACK)["TrafficType"] == "ALL"


def test_two_environments_of_a_product_do_not_share_addresses() -> None:
    blocks = [
        resource["Properties"]["CidrBlock"] for resource in shipped("allthrive").resources("AWS::EC2::VPC").values()
    ]

    assert len(set(blocks)) == len(blocks) == 2


def let_out(app: Synthesis, description: str) -> list[tuple[str, int]]:
    """Returns the addresses and ports that a security group lets its members reach.

    `description` is the beginning of the group's description.
    """
    (found,) = [
        group["Properties"]
        for group in app.resources("AWS::EC2::SecurityGroup", STACK).values()
        if group["Properties"]["GroupDescription"].startswith(description)
    ]
    return [(rule["CidrIp"], rule["ToPort"]) for rule in found["SecurityGroupEgress"]]


def test_containers_can_reach_https_database_and_cache_and_nothing_else() -> None:
    assert let_out(synthesis(), "Containers") == [("0.0.0.0/0", 443), ("10.20.0.0/16", 5432), ("10.20.0.0/16", 6379)]


def test_the_manifest_can_open_more_outbound_ports() -> None:
    changed = synthesis(network(internet_ports=[443, 587]))

    assert ("0.0.0.0/0", 587) in let_out(changed, "Containers")
