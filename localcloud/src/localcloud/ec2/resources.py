"""Resource types of EC2: types for which MiniStack has no handler, and attributes that its handlers do not return."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from localcloud import adapter
from localcloud.cloudformation import completion
from localcloud.ec2 import instances

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

_TAGGED = tuple(f"AWS::EC2::{name}" for name in ("EIP", "NatGateway", "FlowLog", "NetworkAcl", "Instance", "Volume"))


def _tag(resource_id: str, old: adapter.Props, new: adapter.Props) -> None:
    before, after = adapter.tags(old.get("Tags")), adapter.tags(new.get("Tags"))
    ec2 = adapter.client("ec2")
    dropped = [{"Key": key} for key in before.keys() - after.keys()]
    if dropped:
        ec2.delete_tags(Resources=[resource_id], Tags=dropped)
    wanted = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    if wanted:
        ec2.create_tags(Resources=[resource_id], Tags=wanted)


def _tags_or_replaced(create: adapter.Create) -> adapter.Update:
    """Changes tags in place; any other change replaces the resource."""

    def update(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
        if adapter.without(old, "Tags") != adapter.without(new, "Tags"):
            return adapter.replace(create, adapter.logical_id_of(physical_id), new, stack_name)
        _tag(physical_id, old, new)
        return physical_id, {"Id": physical_id}

    return update


# --- addresses and gateways ------------------------------------------------------------------------------------------


def _address(public_ip: str) -> dict[str, Any]:
    addresses = adapter.client("ec2").describe_addresses()["Addresses"]  # MiniStack ignores PublicIps
    return next((dict(found) for found in addresses if found["PublicIp"] == public_ip), {})


def _eip_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    made = adapter.client("ec2").allocate_address(Domain="vpc")
    _tag(made["AllocationId"], {}, props)
    if props.get("InstanceId"):
        adapter.client("ec2").associate_address(AllocationId=made["AllocationId"], InstanceId=props["InstanceId"])
    return made["PublicIp"], {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}


def _eip_update(public_ip: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.without(old, "Tags") != adapter.without(new, "Tags"):
        return adapter.replace(_eip_create, adapter.logical_id_of(public_ip), new, stack_name)
    allocation = _address(public_ip)["AllocationId"]
    _tag(allocation, old, new)
    return public_ip, {"AllocationId": allocation, "PublicIp": public_ip}


def _eip_delete(public_ip: str, _props: adapter.Props) -> None:
    address = _address(public_ip)
    if not address:
        return
    if address.get("AssociationId"):
        adapter.client("ec2").disassociate_address(AssociationId=address["AssociationId"])
    adapter.client("ec2").release_address(AllocationId=address["AllocationId"])


def _nat_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    wanted = adapter.without(props, "Tags", "MaxDrainDurationSeconds", "VpcId")
    gateway = adapter.call("ec2", "create_nat_gateway", wanted)["NatGateway"]["NatGatewayId"]
    _tag(gateway, {}, props)
    return gateway, {"NatGatewayId": gateway}


def _nat_update(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    updated, _attributes = _tags_or_replaced(_nat_create)(physical_id, old, new, stack_name)
    return updated, {"NatGatewayId": updated}


def _nat_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("ec2").delete_nat_gateway(NatGatewayId=physical_id)


# --- flow logs and network ACLs --------------------------------------------------------------------------------------


def _flow_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    wanted = {**adapter.without(props, "Tags", "ResourceId"), "ResourceIds": [props["ResourceId"]]}
    made: str = adapter.call("ec2", "create_flow_logs", wanted)["FlowLogIds"][0]
    _tag(made, {}, props)
    return made, {"Id": made}


def _flow_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("ec2").delete_flow_logs(FlowLogIds=[physical_id])


def _acl_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    made: str = adapter.client("ec2").create_network_acl(VpcId=props["VpcId"])["NetworkAcl"]["NetworkAclId"]
    _tag(made, {}, props)
    return made, {"Id": made}


def _acl_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("ec2").delete_network_acl(NetworkAclId=physical_id)


_ACL_ENTRY = ("NetworkAclId", "RuleNumber", "Egress")


def _acl_entry_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    adapter.call("ec2", "create_network_acl_entry", {"Egress": False, **props}, ignore={"Icmp"})
    egress = adapter.boolean(props.get("Egress", False))
    return f"{props['NetworkAclId']}|{props['RuleNumber']}|{egress}", {}


def _acl_entry_update(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, *_ACL_ENTRY):
        return _acl_entry_create("", new, stack_name)
    adapter.call("ec2", "replace_network_acl_entry", {"Egress": False, **new}, ignore={"Icmp"})
    return physical_id, {}


def _acl_entry_delete(physical_id: str, _props: adapter.Props) -> None:
    acl, number, egress = physical_id.split("|")
    adapter.client("ec2").delete_network_acl_entry(NetworkAclId=acl, RuleNumber=int(number), Egress=egress == "True")


# --- security group rules --------------------------------------------------------------------------------------------

_PEERS = {
    "ingress": ("SourceSecurityGroupId", "SourcePrefixListId"),
    "egress": ("DestinationSecurityGroupId", "DestinationPrefixListId"),
}


def permission(props: adapter.Props, direction: str) -> dict[str, Any]:
    """Returns a template's security group rule as the API's IpPermission."""
    group, prefix_list = _PEERS[direction]
    described = {"Description": props["Description"]} if props.get("Description") else {}
    rule: dict[str, Any] = {"IpProtocol": str(props.get("IpProtocol", "-1"))}
    rule |= {port: int(props[port]) for port in ("FromPort", "ToPort") if port in props}
    if props.get("CidrIp"):
        rule["IpRanges"] = [{"CidrIp": props["CidrIp"], **described}]
    if props.get("CidrIpv6"):
        rule["Ipv6Ranges"] = [{"CidrIpv6": props["CidrIpv6"], **described}]
    if props.get(prefix_list):
        rule["PrefixListIds"] = [{"PrefixListId": props[prefix_list], **described}]
    if props.get(group):
        rule["UserIdGroupPairs"] = [{"GroupId": props[group], **described}]
    return rule


def _rule(direction: str) -> None:
    def create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
        authorize = getattr(adapter.client("ec2"), f"authorize_security_group_{direction}")
        authorize(GroupId=props["GroupId"], IpPermissions=[permission(props, direction)])
        digest = hashlib.sha256(json.dumps([direction, props], sort_keys=True).encode()).hexdigest()
        return f"sgr-{digest[:17]}", {"Id": f"sgr-{digest[:17]}"}

    def delete(_physical_id: str, props: adapter.Props) -> None:
        revoke = getattr(adapter.client("ec2"), f"revoke_security_group_{direction}")
        revoke(GroupId=props["GroupId"], IpPermissions=[permission(props, direction)])

    adapter.register(f"AWS::EC2::SecurityGroup{direction.capitalize()}", create, delete)


# --- instances -------------------------------------------------------------------------------------------------------

_LAUNCH = (
    "ImageId",
    "InstanceType",
    "KeyName",
    "LaunchTemplate",
    "MetadataOptions",
    "UserData",
    "SubnetId",
    "SecurityGroupIds",
    "IamInstanceProfile",
    "SourceDestCheck",
)
_STARTING_SECONDS = 600  # the image of hosts is built once per machine


def _instance_attributes(instance_id: str) -> dict[str, Any]:
    found = _instance(instance_id)
    return {
        "InstanceId": instance_id,
        "PrivateIp": found.get("PrivateIpAddress", ""),
        "PublicIp": found.get("PublicIpAddress", ""),
        "PrivateDnsName": found.get("PrivateDnsName", ""),
        "PublicDnsName": found.get("PublicDnsName", ""),
        "AvailabilityZone": found.get("Placement", {}).get("AvailabilityZone", ""),
        "VpcId": found.get("VpcId", ""),
    }


def _instance_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    wanted: adapter.Props = {name: props[name] for name in _LAUNCH if name in props}
    if not adapter.boolean(wanted.pop("SourceDestCheck", True)):
        wanted["AdditionalInfo"] = instances.ON_RECORD  # it routes for others, which no container can do here
    if "UserData" in wanted:
        wanted["UserData"] = base64.b64decode(wanted["UserData"]).decode()  # boto3 encodes it
    if "IamInstanceProfile" in wanted:
        wanted["IamInstanceProfile"] = {"Name": wanted["IamInstanceProfile"]}
    for interface in props.get("NetworkInterfaces", [])[:1]:
        wanted |= {"SubnetId": interface.get("SubnetId"), "SecurityGroupIds": interface.get("GroupSet")}
    launched = adapter.call("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1, **adapter.without(wanted)})
    instance_id = launched["Instances"][0]["InstanceId"]
    _tag(instance_id, {}, props)
    _wait_until_running(instance_id)
    return instance_id, _instance_attributes(instance_id)


def _wait_until_running(instance_id: str) -> None:
    def settled() -> bool:
        return bool(_instance(instance_id)["State"]["Name"] != "pending")

    adapter.wait_until(settled, f"the start of the instance {instance_id}", _STARTING_SECONDS)
    found = _instance(instance_id)
    if found["State"]["Name"] not in ("running", "stopped"):
        raise ValueError(f"the instance {instance_id} did not start: {found.get('StateReason', {}).get('Message', '')}")


def _instance(instance_id: str) -> dict[str, Any]:
    found = adapter.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return dict(found)


def _instance_update(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, *_LAUNCH, "NetworkInterfaces"):
        return adapter.replace(_instance_create, adapter.logical_id_of(physical_id), new, stack_name)
    _tag(physical_id, old, new)
    return physical_id, _instance_attributes(physical_id)


def _instance_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("ec2").terminate_instances(InstanceIds=[physical_id])
    adapter.wait_until(lambda: _instance(physical_id)["State"]["Name"] == "terminated", f"the end of {physical_id}")


# --- volumes ---------------------------------------------------------------------------------------------------------

_VOLUME = ("AvailabilityZone", "Encrypted", "Iops", "KmsKeyId", "Size", "SnapshotId", "Throughput", "VolumeType")


def _volume_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    wanted = {name: props[name] for name in _VOLUME if name in props}
    made: str = adapter.call("ec2", "create_volume", wanted)["VolumeId"]
    _tag(made, {}, props)
    return made, {"VolumeId": made}


def _volume_update(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    grown = ("Iops", "Size", "VolumeType")
    if adapter.changed(old, new, *(name for name in _VOLUME if name not in grown and name != "Throughput")):
        return adapter.replace(_volume_create, adapter.logical_id_of(physical_id), new, stack_name)
    if adapter.changed(old, new, *grown):
        wanted = {name: new[name] for name in grown if name in new}
        adapter.call("ec2", "modify_volume", {"VolumeId": physical_id, **wanted})
    _tag(physical_id, old, new)
    return physical_id, {"VolumeId": physical_id}


def _volume_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("ec2").delete_volume(VolumeId=physical_id)


def _attachment_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    adapter.call("ec2", "attach_volume", {"Device": "/dev/sdf", **props})
    return f"{props['VolumeId']}|{props['InstanceId']}", {}


def _attachment_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("ec2").detach_volume(VolumeId=physical_id.partition("|")[0])


# --- attributes of built-in types ------------------------------------------------------------------------------------


def _vpc_attributes(_physical_id: str, props: adapter.Props) -> dict[str, Any]:
    return {"CidrBlock": props.get("CidrBlock", ""), "CidrBlockAssociations": [], "Ipv6CidrBlocks": []}


def _subnet_attributes(_physical_id: str, props: adapter.Props) -> dict[str, Any]:
    return {"VpcId": props.get("VpcId", ""), "CidrBlock": props.get("CidrBlock", ""), "Ipv6CidrBlocks": []}


def install() -> None:
    """Register the missing types, and complete the attributes of the others."""
    register = adapter.register
    register("AWS::EC2::EIP", _eip_create, _eip_delete, _eip_update)
    register("AWS::EC2::NatGateway", _nat_create, _nat_delete, _nat_update)
    register("AWS::EC2::FlowLog", _flow_create, _flow_delete, _tags_or_replaced(_flow_create))
    register("AWS::EC2::NetworkAcl", _acl_create, _acl_delete, _tags_or_replaced(_acl_create))
    register("AWS::EC2::NetworkAclEntry", _acl_entry_create, _acl_entry_delete, _acl_entry_update)
    register("AWS::EC2::Instance", _instance_create, _instance_delete, _instance_update)
    adapter.RECORDED["AWS::EC2::Instance"] = (
        "a container if its image is Amazon Linux 2023 or Ubuntu; others and NAT instances do nothing"
    )
    register("AWS::EC2::Volume", _volume_create, _volume_delete, _volume_update)
    register("AWS::EC2::VolumeAttachment", _attachment_create, _attachment_delete)
    adapter.recorded(
        "AWS::EC2::SubnetNetworkAclAssociation",
        lambda physical_id, _props: {"AssociationId": physical_id},
        note="network ACLs are on record and filter nothing",
    )
    _rule("ingress")
    _rule("egress")
    adapter.extend_attributes("AWS::EC2::VPC", _vpc_attributes)
    adapter.extend_attributes("AWS::EC2::Subnet", _subnet_attributes)
    completion.carries_stack_tags(*_TAGGED)
