"""Resource types of IAM: permissions boundaries of roles, OIDC providers, groups, service-linked roles."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from ministack.services import iam

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = (*completion.SYMBOLS, "ministack.services.iam:_oidc_providers")


def _boundary(role: str, value: Any, _props: adapter.Props) -> None:
    iam = adapter.client("iam")
    if value:
        iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=value)
    else:
        iam.delete_role_permissions_boundary(RoleName=role)


# --- OIDC providers --------------------------------------------------------------------------------------------------


def _oidc_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    made: str = adapter.client("iam").create_open_id_connect_provider(
        Url=props["Url"],
        ClientIDList=props.get("ClientIdList", []),
        ThumbprintList=props.get("ThumbprintList", []),
        Tags=completion.tag_list(props.get("Tags")),
    )["OpenIDConnectProviderArn"]
    return made, {"Arn": made}


def _oidc_update(arn: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "Url"):
        return _oidc_create("", new, stack_name)
    record = iam._oidc_providers[arn]  # MiniStack's API has no operations to add and remove a client ID
    record["ClientIDList"] = list(new.get("ClientIdList", []))
    record["ThumbprintList"] = list(new.get("ThumbprintList", []))
    record["Tags"] = completion.tag_list(new.get("Tags"))
    return arn, {"Arn": arn}


def _oidc_delete(arn: str, _props: adapter.Props) -> None:
    adapter.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


# --- instance profiles -----------------------------------------------------------------------------------------------


def _profile_create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("InstanceProfileName") or adapter.physical_name(stack_name, logical_id, max_len=128)
    iam = adapter.client("iam")
    arn = iam.create_instance_profile(InstanceProfileName=name, Path=props.get("Path", "/"))["InstanceProfile"]["Arn"]
    _profile_roles(name, {}, props)
    return name, {"Arn": arn}


def _profile_roles(name: str, old: adapter.Props, new: adapter.Props) -> None:
    for role in set(old.get("Roles", [])) - set(new.get("Roles", [])):
        adapter.client("iam").remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    for role in set(new.get("Roles", [])) - set(old.get("Roles", [])):
        adapter.client("iam").add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)


def _profile_update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "InstanceProfileName", "Path"):
        return adapter.replace(_profile_create, adapter.logical_id_of(name), new, stack_name)
    _profile_roles(name, old, new)
    found = adapter.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    return name, {"Arn": found["Arn"]}


def _profile_delete(name: str, props: adapter.Props) -> None:
    _profile_roles(name, props, {})
    adapter.client("iam").delete_instance_profile(InstanceProfileName=name)


# --- groups and service-linked roles ---------------------------------------------------------------------------------


def _group_create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("GroupName") or adapter.physical_name(stack_name, logical_id, max_len=128)
    iam = adapter.client("iam")
    arn = iam.create_group(GroupName=name, Path=props.get("Path", "/"))["Group"]["Arn"]
    _group_policies(name, {}, props)
    return name, {"Arn": arn}


def _group_policies(name: str, old: adapter.Props, new: adapter.Props) -> None:
    iam = adapter.client("iam")
    before, after = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
    for arn in sorted(after - before):
        iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    for arn in sorted(before - after):
        iam.detach_group_policy(GroupName=name, PolicyArn=arn)
    documents = {item["PolicyName"]: item["PolicyDocument"] for item in new.get("Policies", [])}
    for removed in sorted({item["PolicyName"] for item in old.get("Policies", [])} - documents.keys()):
        iam.delete_group_policy(GroupName=name, PolicyName=removed)
    for policy, document in documents.items():
        adapter.call("iam", "put_group_policy", {"GroupName": name, "PolicyName": policy, "PolicyDocument": document})


def _group_update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "GroupName", "Path"):
        return adapter.replace(_group_create, adapter.logical_id_of(name), new, stack_name)
    _group_policies(name, old, new)
    return name, {"Arn": adapter.client("iam").get_group(GroupName=name)["Group"]["Arn"]}


def _group_delete(name: str, props: adapter.Props) -> None:
    _group_policies(name, props, {})
    adapter.client("iam").delete_group(GroupName=name)


def _linked_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    service = props["AWSServiceName"]
    try:
        made = adapter.client("iam").create_service_linked_role(AWSServiceName=service)["Role"]["RoleName"]
    except ClientError as error:
        # As on AWS, creating the role a second time is an error: the first stack in the account owns it.
        raise ValueError(f"the service-linked role for {service} cannot be created: {error}") from error
    return made, {"RoleName": made}


def _linked_delete(name: str, _props: adapter.Props) -> None:
    adapter.client("iam").delete_service_linked_role(RoleName=name)


def install() -> None:
    """Complete `AWS::IAM::Role` and register the missing types."""
    adapter.register("AWS::IAM::InstanceProfile", _profile_create, _profile_delete, _profile_update)
    completion.complete("AWS::IAM::Role", {"PermissionsBoundary": _boundary})
    adapter.register("AWS::IAM::OIDCProvider", _oidc_create, _oidc_delete, _oidc_update)
    adapter.register("AWS::IAM::Group", _group_create, _group_delete, _group_update)
    adapter.register(
        "AWS::IAM::ServiceLinkedRole",
        _linked_create,
        _linked_delete,
        lambda name, _old, _new, _stack: (name, {"RoleName": name}),
    )
