"""EC2 resources, most of which only exist in the API."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

VPC = ("AWS::EC2::VPC", {"CidrBlock": "10.9.0.0/16", "EnableDnsHostnames": True})
SUBNET = ("AWS::EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.1.0/24", "AvailabilityZone": "us-east-1b"})


def tags(found: dict[str, Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in found.get("Tags", []) if not item["Key"].startswith("aws:")}


def named(value: str) -> dict[str, Any]:
    return {"Tags": [{"Key": "Name", "Value": value}]}


def gateway(name: str, **address: Any) -> dict[str, Any]:
    nat = {"SubnetId": {"Ref": "Subnet"}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}, **named(name)}
    return resources(
        Vpc=VPC,
        Subnet=SUBNET,
        Address=("AWS::EC2::EIP", {"Domain": "vpc", **named(name), **address}),
        Nat=("AWS::EC2::NatGateway", nat),
    )


def test_a_nat_gateway_has_an_address_and_their_tags_are_updated_in_place(plain: Plain) -> None:
    stack, ec2 = unique("nat"), plain.client("ec2")
    made = plain.deploy(gateway("one"), stack)
    nat = ec2.describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"][0]
    assert (nat["SubnetId"], tags(nat)) == (made["Subnet"], {"Name": "one"})
    again = plain.deploy(gateway("two"), stack)
    assert (again["Nat"], again["Address"]) == (made["Nat"], made["Address"])
    assert tags(ec2.describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"][0]) == {"Name": "two"}
    addresses = {item["PublicIp"]: tags(item) for item in ec2.describe_addresses()["Addresses"]}
    assert addresses[made["Address"]] == {"Name": "two"}
    assert plain.delete(stack) == "DELETE_COMPLETE"
    assert made["Address"] not in [item["PublicIp"] for item in ec2.describe_addresses()["Addresses"]]


def test_resources_get_the_tags_of_their_stack(plain: Plain) -> None:
    made = plain.deploy(gateway("one"), Tags=[{"Key": "product", "Value": "shop"}])
    nat = plain.client("ec2").describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"][0]
    assert tags(nat) == {"Name": "one", "product": "shop"}


def test_get_att_returns_attributes_of_the_network(plain: Plain) -> None:
    template = resources(Vpc=VPC, Subnet=SUBNET)
    template["Outputs"] = {
        "Cidr": {"Value": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}},
        "Zone": {"Value": {"Fn::GetAtt": ["Subnet", "AvailabilityZone"]}},
        "Inside": {"Value": {"Fn::GetAtt": ["Subnet", "VpcId"]}},
    }
    stack = unique("network")
    made = plain.deploy(template, stack)
    assert plain.outputs(stack) == {"Cidr": "10.9.0.0/16", "Zone": "us-east-1b", "Inside": made["Vpc"]}


def rules(port: int, description: str) -> dict[str, Any]:
    group = {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}, "SecurityGroupEgress": []}
    traffic = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "Description": description}
    return resources(
        Vpc=VPC,
        A=("AWS::EC2::SecurityGroup", group),
        B=("AWS::EC2::SecurityGroup", group),
        In=(
            "AWS::EC2::SecurityGroupIngress",
            {**traffic, "GroupId": {"Ref": "A"}, "SourceSecurityGroupId": {"Ref": "B"}},
        ),
        Edge=("AWS::EC2::SecurityGroupIngress", {**traffic, "GroupId": {"Ref": "A"}, "SourcePrefixListId": "pl-1234"}),
        Out=(
            "AWS::EC2::SecurityGroupEgress",
            {**traffic, "GroupId": {"Ref": "B"}, "DestinationSecurityGroupId": {"Ref": "A"}},
        ),
    )


def ingress(plain: Plain, group: str) -> set[tuple[int, str, str]]:
    found = plain.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    peers = set()
    for rule in found:
        for pair in rule["UserIdGroupPairs"]:
            peers.add((rule["FromPort"], pair["GroupId"], pair.get("Description", "")))
        for pair in rule["PrefixListIds"]:
            peers.add((rule["FromPort"], pair["PrefixListId"], pair.get("Description", "")))
    return peers


def test_security_group_rules_are_created_updated_and_deleted(plain: Plain) -> None:
    stack = unique("rules")
    made = plain.deploy(rules(8000, "one"), stack)
    assert ingress(plain, made["A"]) == {(8000, made["B"], "one"), (8000, "pl-1234", "one")}
    plain.deploy(rules(9000, "two"), stack)
    assert ingress(plain, made["A"]) == {(9000, made["B"], "two"), (9000, "pl-1234", "two")}
    template = rules(9000, "two")
    del template["Resources"]["In"]
    plain.deploy(template, stack)
    assert ingress(plain, made["A"]) == {(9000, "pl-1234", "two")}


def test_the_prefix_list_of_cloudfront_exists(plain: Plain) -> None:
    name = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.global.cloudfront.origin-facing"]}]
    found = plain.client("ec2").describe_managed_prefix_lists(Filters=name)["PrefixLists"]
    assert [item["PrefixListName"] for item in found] == [name[0]["Values"][0]]


def test_flow_logs_are_listed_and_deleted(plain: Plain) -> None:
    stack, ec2 = unique("flow"), plain.client("ec2")
    role = plain.role(unique("flow"))
    flow = {
        "ResourceType": "VPC",
        "ResourceId": {"Ref": "Vpc"},
        "TrafficType": "REJECT",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "/flow",
        "DeliverLogsPermissionArn": role,
    }
    made = plain.deploy(resources(Vpc=VPC, Flow=("AWS::EC2::FlowLog", flow)), stack)
    found = ec2.describe_flow_logs(FlowLogIds=[made["Flow"]])["FlowLogs"][0]
    assert (found["ResourceId"], found["TrafficType"]) == (made["Vpc"], "REJECT")
    plain.delete(stack)
    assert made["Flow"] not in [item["FlowLogId"] for item in ec2.describe_flow_logs()["FlowLogs"]]


def test_an_instance_is_recorded_and_replaced_when_its_image_changes(plain: Plain) -> None:
    stack, ec2 = unique("instance"), plain.client("ec2")

    def template(image: str) -> dict[str, Any]:
        props = {"ImageId": image, "InstanceType": "t4g.nano", "SubnetId": {"Ref": "Subnet"}, **named("nat")}
        made = resources(Vpc=VPC, Subnet=SUBNET, Nat=("AWS::EC2::Instance", props))
        made["Outputs"] = {"Address": {"Value": {"Fn::GetAtt": ["Nat", "PrivateIp"]}}}
        return made

    first = plain.deploy(template("ami-1"), stack)["Nat"]
    assert plain.outputs(stack)["Address"].startswith("10.")
    second = plain.deploy(template("ami-2"), stack)["Nat"]
    states = {
        item["InstanceId"]: item["State"]["Name"]
        for group in ec2.describe_instances(InstanceIds=[first, second])["Reservations"]
        for item in group["Instances"]
    }
    assert states[second] == "running"
    assert states[first] in {"shutting-down", "terminated"}


def test_vpc_endpoints_have_the_properties_of_their_template(plain: Plain) -> None:
    stack, ec2 = unique("endpoint"), plain.client("ec2")

    def template(private: bool) -> dict[str, Any]:
        interface = {
            "VpcId": {"Ref": "Vpc"},
            "ServiceName": f"com.amazonaws.{REGION}.ecr.api",
            "VpcEndpointType": "Interface",
            "SubnetIds": [{"Ref": "Subnet"}],
            "PrivateDnsEnabled": private,
        }
        return resources(Vpc=VPC, Subnet=SUBNET, Endpoint=("AWS::EC2::VPCEndpoint", interface))

    made = plain.deploy(template(True), stack)
    found = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["Endpoint"]])["VpcEndpoints"][0]
    assert (found["PrivateDnsEnabled"], found["SubnetIds"]) == (True, [made["Subnet"]])
    plain.deploy(template(False), stack)
    assert not ec2.describe_vpc_endpoints(VpcEndpointIds=[made["Endpoint"]])["VpcEndpoints"][0]["PrivateDnsEnabled"]


def test_network_acls_and_their_entries_are_recorded(plain: Plain) -> None:
    stack, ec2 = unique("acl"), plain.client("ec2")

    def template(action: str) -> dict[str, Any]:
        entry = {
            "NetworkAclId": {"Ref": "Acl"},
            "RuleNumber": 10,
            "Protocol": -1,
            "RuleAction": action,
            "CidrBlock": "0.0.0.0/0",
        }
        return resources(
            Vpc=VPC, Acl=("AWS::EC2::NetworkAcl", {"VpcId": {"Ref": "Vpc"}}), Entry=("AWS::EC2::NetworkAclEntry", entry)
        )

    made = plain.deploy(template("deny"), stack)

    def action() -> str:
        entries = ec2.describe_network_acls(NetworkAclIds=[made["Acl"]])["NetworkAcls"][0]["Entries"]
        return str(next(item["RuleAction"] for item in entries if item["RuleNumber"] == 10))

    assert action() == "deny"
    plain.deploy(template("allow"), stack)
    assert action() == "allow"
    plain.delete(stack)
    assert made["Acl"] not in [item["NetworkAclId"] for item in ec2.describe_network_acls()["NetworkAcls"]]


def test_the_owner_of_a_vpc_is_the_current_account(plain: Plain) -> None:
    made = plain.deploy(resources(Vpc=VPC))
    assert plain.client("ec2").describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"][0]["OwnerId"] == ACCOUNT
