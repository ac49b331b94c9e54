"""Resource types of CloudFront for which MiniStack has no handlers: VPC origins, public keys and key groups."""

from __future__ import annotations

from typing import Any

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

_ENDPOINT_DEFAULTS = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "match-viewer"}


def _etag(operation: str, identity: str) -> str:
    answer: dict[str, Any] = getattr(adapter.client("cloudfront"), operation)(Id=identity)
    return str(answer["ETag"])


# --- VPC origins -----------------------------------------------------------------------------------------------------


def endpoint(props: adapter.Props) -> adapter.Props:
    """Returns the endpoint of a VPC origin in the API's form."""
    declared = {**_ENDPOINT_DEFAULTS, **props["VpcOriginEndpointConfig"]}
    return {
        **adapter.without(declared, "OriginSSLProtocols"),
        "OriginSslProtocols": declared.get("OriginSSLProtocols", ["TLSv1.2"]),
    }


def _origin_result(origin: dict[str, Any]) -> adapter.Result:
    return origin["Id"], {
        "Id": origin["Id"],
        "Arn": origin["Arn"],
        "Status": origin["Status"],
        "CreatedTime": str(origin.get("CreatedTime", "")),
        "LastModifiedTime": str(origin.get("LastModifiedTime", "")),
    }


def _origin_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    wanted: adapter.Props = {"VpcOriginEndpointConfig": endpoint(props)}
    if props.get("Tags"):
        wanted["Tags"] = {"Items": completion.tag_list(props["Tags"])}
    return _origin_result(adapter.call("cloudfront", "create_vpc_origin", wanted)["VpcOrigin"])


def _origin_update(identity: str, old: adapter.Props, new: adapter.Props, _stack_name: str) -> adapter.Result:
    cloudfront = adapter.client("cloudfront")
    if adapter.changed(old, new, "VpcOriginEndpointConfig"):
        etag = _etag("get_vpc_origin", identity)
        wanted = {"Id": identity, "IfMatch": etag, "VpcOriginEndpointConfig": endpoint(new)}
        adapter.call("cloudfront", "update_vpc_origin", wanted)
    return _origin_result(cloudfront.get_vpc_origin(Id=identity)["VpcOrigin"])


def _origin_delete(identity: str, _props: adapter.Props) -> None:
    adapter.client("cloudfront").delete_vpc_origin(Id=identity, IfMatch=_etag("get_vpc_origin", identity))


# --- keys ------------------------------------------------------------------------------------------------------------


def _handlers(noun: str, config: str) -> tuple[adapter.Create, adapter.Update, adapter.Delete]:
    """Returns the handlers of a type with a single configuration, an ID and an ETag."""
    member = config.removesuffix("Config")

    def create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
        created = adapter.call("cloudfront", f"create_{noun}", {config: props[config]})[member]
        return created["Id"], {"Id": created["Id"], "LastModifiedTime": str(created.get("LastModifiedTime", ""))}

    def update(identity: str, _old: adapter.Props, new: adapter.Props, _stack_name: str) -> adapter.Result:
        wanted = {"Id": identity, "IfMatch": _etag(f"get_{noun}", identity), config: new[config]}
        adapter.call("cloudfront", f"update_{noun}", wanted)
        return identity, {"Id": identity}

    def delete(identity: str, _props: adapter.Props) -> None:
        remove = getattr(adapter.client("cloudfront"), f"delete_{noun}")
        remove(Id=identity, IfMatch=_etag(f"get_{noun}", identity))

    return create, update, delete


def install() -> None:
    """Register the missing types."""
    adapter.register("AWS::CloudFront::VpcOrigin", _origin_create, _origin_delete, _origin_update)
    for name, noun in (("PublicKey", "public_key"), ("KeyGroup", "key_group")):
        create, update, delete = _handlers(noun, f"{name}Config")
        adapter.register(f"AWS::CloudFront::{name}", create, delete, update)
