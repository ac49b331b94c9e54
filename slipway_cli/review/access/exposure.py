"""Finds resources that are exposed to the internet, by their properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slipway_cli.review.access.rights import Side
from slipway_cli.review.canonical import references, resources
from slipway_cli.review.model import Broadening, Direction, Reach

Json = dict[str, Any]
# Properties, at any depth, that make a resource reachable from the internet.
_OPEN_IF = {
    "PubliclyAccessible": "is reachable from the internet",
    "AssignPublicIp": "gets a public address",
    "AssociatePublicIpAddress": "gets a public address",
    "MapPublicIpOnLaunch": "gives public addresses to instances launched in it",
    "EndpointPublicAccess": "is reachable from the internet",
}
_YES = frozenset({"true", "enabled"})
_PUBLIC_ACCESS_BLOCK = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_PRIVATE_ACLS = frozenset(
    {"", "Private", "LogDeliveryWrite", "AwsExecRead", "BucketOwnerRead", "BucketOwnerFullControl"}
)


def exposures(stack: str, before: Side, after: Side) -> Iterator[Broadening]:
    """Yields the resources that become exposed to the internet, or are no longer exposed."""
    old, new = _facts(before), _facts(after)
    for fact in dict.fromkeys([*new, *old]):
        path, words = fact
        if fact not in old:
            yield Broadening(stack, path, "", Reach.PUBLIC, Direction.GROWS, f"`{path}` {words}")
        elif fact not in new:
            yield Broadening(stack, path, "", Reach.PUBLIC, Direction.NARROWS, f"no longer: `{path}` {words}")


def _facts(side: Side) -> dict[tuple[str, str], None]:
    found: dict[tuple[str, str], None] = {}
    everything = resources(side.template)
    for logical_id, resource in everything.items():
        path = " ".join(side.names.text({"Ref": logical_id}).rpartition(":")[2].strip("{}").replace("`", "'").split())
        for words in _exposed_by(resource, everything):
            found[(path, words)] = None
    return found


def _exposed_by(resource: Json, everything: Mapping[str, Json]) -> Iterator[str]:
    kind, properties = resource["Type"], resource.get("Properties") or {}
    yield from dict.fromkeys(_flags(properties))
    if kind == "AWS::ElasticLoadBalancingV2::LoadBalancer" and properties.get("Scheme") != "internal":
        yield "is an internet-facing load balancer"
    if kind == "AWS::Lambda::Url" and properties.get("AuthType") == "NONE":
        yield "is a function URL without authentication"
    if kind == "AWS::CloudFront::Distribution":
        yield "serves the internet"
    if kind == "AWS::S3::Bucket":
        yield from _bucket(properties)
    if kind == "AWS::EC2::Route" and _reaches_internet(properties, everything):
        table = next(iter(references(properties.get("RouteTableId"))), "its route table")
        yield f"routes {table} directly to the internet"


def _flags(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _flags(item)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _OPEN_IF and str(inner).lower() in _YES:
                yield _OPEN_IF[name]
            else:
                yield from _flags(inner)


def _bucket(properties: Json) -> Iterator[str]:
    block = properties.get("PublicAccessBlockConfiguration")
    # A bucket without the property counts as open, although S3 blocks public access since April 2023.
    missing = [flag for flag in _PUBLIC_ACCESS_BLOCK if str((block or {}).get(flag)).lower() != "true"]
    if missing:
        everything = len(missing) == len(_PUBLIC_ACCESS_BLOCK)
        yield "has no public access block" if everything else f"does not set {', '.join(missing)}"
    acl = str(properties.get("AccessControl", ""))
    if acl not in _PRIVATE_ACLS:
        yield f"has the canned ACL {acl}"


def _reaches_internet(properties: Json, everything: Mapping[str, Json]) -> bool:
    if properties.get("DestinationCidrBlock") != "0.0.0.0/0" and properties.get("DestinationIpv6CidrBlock") != "::/0":
        return False
    gateways = (everything.get(logical_id, {}).get("Type") for logical_id in references(properties.get("GatewayId")))
    given = properties.get("GatewayId")
    return "AWS::EC2::InternetGateway" in gateways or (isinstance(given, str) and given.startswith("igw-"))
