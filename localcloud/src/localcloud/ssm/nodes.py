"""DescribeInstanceInformation: the managed nodes and whether they have a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.core.responses import get_account_id, get_region

from localcloud.ssm import pages
from localcloud.ssm.agent import FLEET, Node
from localcloud.ssm.errors import ServiceError

SYMBOLS: tuple[str, ...] = ("ministack.core.responses:get_account_id", "ministack.core.responses:get_region")

Request = Mapping[str, Any]
_CONSTANT = {
    "AgentVersion": "3.3.2299.0",
    "IsLatestVersion": True,
    "PlatformType": "Linux",
    "PlatformName": "Amazon Linux",
    "PlatformVersion": "2023",
    "ResourceType": "EC2Instance",
    "SourceType": "AWS::EC2::Instance",
}
_FILTERS: dict[str, Callable[[Mapping[str, Any], Node], str]] = {
    "InstanceIds": lambda row, _node: row["InstanceId"],
    "PingStatus": lambda row, _node: row["PingStatus"],
    "PlatformTypes": lambda row, _node: row["PlatformType"],
    "ResourceType": lambda row, _node: row["ResourceType"],
    "AgentVersion": lambda row, _node: row["AgentVersion"],
    "IamRole": lambda _row, node: node.role_arn.rsplit("/", 1)[-1],
}


def _row(node: Node) -> dict[str, Any]:
    return {
        **_CONSTANT,
        "InstanceId": node.instance_id,
        "PingStatus": FLEET.ping(node),
        "LastPingDateTime": node.last_ping,
        "RegistrationDate": node.registered,
        "IPAddress": node.address,
        "ComputerName": f"ip-{node.address.replace('.', '-')}.ec2.internal",
        "SourceId": node.instance_id,
    }


def _accepts(row: Mapping[str, Any], node: Node, key: str, values: Sequence[str]) -> bool:
    if key.startswith("tag:"):
        return node.tags.get(key.removeprefix("tag:")) in values
    if key == "tag-key":
        return bool(node.tags.keys() & set(values))
    if key not in _FILTERS:
        raise ServiceError("InvalidFilterKey", f"The filter {key} is not valid or not supported by the local cloud.")
    return _FILTERS[key](row, node) in values


def _conditions(request: Request) -> list[tuple[str, Sequence[str]]]:
    if request.get("Filters") and request.get("InstanceInformationFilterList"):
        raise ServiceError("ValidationException", "Use Filters or InstanceInformationFilterList, not both.")
    old = [(item["key"], item["valueSet"]) for item in request.get("InstanceInformationFilterList") or ()]
    return old + [(item["Key"], item["Values"]) for item in request.get("Filters") or ()]


def _describe(request: Request) -> dict[str, Any]:
    conditions = _conditions(request)
    rows = []
    nodes = FLEET.nodes(get_account_id(), get_region())
    for key, _values in conditions:
        if not key.startswith("tag") and key not in _FILTERS:
            raise ServiceError(
                "InvalidFilterKey", f"The filter {key} is not valid or not supported by the local cloud."
            )
    for node in nodes:
        row = _row(node)
        if all(_accepts(row, node, key, values) for key, values in conditions):
            rows.append(row)
    return pages.page(rows, "InstanceInformationList", request, 50)


def _update(_request: Request) -> dict[str, Any]:
    """The agent's own report; the local cloud knows from EC2 which hosts run."""
    return {}


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "DescribeInstanceInformation": _describe,
    "UpdateInstanceInformation": _update,
}
