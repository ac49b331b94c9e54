"""Resource types of WAF: IP sets and associations. Rules have no effect (docs/simplifications.md)."""

from __future__ import annotations

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS


def _token(physical_id: str) -> dict[str, str]:
    name, identity, scope = physical_id.split("|")
    key = {"Name": name, "Id": identity, "Scope": scope}
    return {**key, "LockToken": adapter.client("wafv2").get_ip_set(**key)["LockToken"]}


def _set_create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=128)
    made = adapter.call("wafv2", "create_ip_set", {**props, "Name": name})["Summary"]
    return f"{name}|{made['Id']}|{props['Scope']}", {"Arn": made["ARN"], "Id": made["Id"]}


def _set_update(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "Name", "Scope", "IPAddressVersion"):
        return adapter.replace(_set_create, adapter.logical_id_of(physical_id), new, stack_name)
    token = _token(physical_id)
    wanted = {**token, "Addresses": new.get("Addresses", []), "Description": new.get("Description")}
    adapter.call("wafv2", "update_ip_set", wanted)
    key = {name: token[name] for name in ("Name", "Id", "Scope")}
    return physical_id, {"Arn": adapter.client("wafv2").get_ip_set(**key)["IPSet"]["ARN"], "Id": token["Id"]}


def _set_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("wafv2").delete_ip_set(**_token(physical_id))


def _association_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    adapter.client("wafv2").associate_web_acl(WebACLArn=props["WebACLArn"], ResourceArn=props["ResourceArn"])
    return f"{props['WebACLArn']}|{props['ResourceArn']}", {}


def _association_delete(_physical_id: str, props: adapter.Props) -> None:
    adapter.client("wafv2").disassociate_web_acl(ResourceArn=props["ResourceArn"])


def install() -> None:
    """Register the missing types."""
    adapter.register("AWS::WAFv2::IPSet", _set_create, _set_delete, _set_update)
    adapter.register("AWS::WAFv2::WebACLAssociation", _association_create, _association_delete)
    adapter.recorded("AWS::WAFv2::LoggingConfiguration", note="no web ACL is evaluated, so there is nothing to log")
    adapter.RECORDED["AWS::WAFv2::WebACL"] = "kept and associated, but its rules filter nothing"
