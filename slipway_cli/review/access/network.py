"""Compares the rules of security groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from slipway_cli.review.access.rights import Side
from slipway_cli.review.canonical import resources
from slipway_cli.review.model import Broadening, Direction, Reach

Json = dict[str, Any]
_ALL = "-1"
_PORTS = (0, 65535)
_PEERS = {
    "CidrIp": "",
    "CidrIpv6": "",
    "SourceSecurityGroupId": "",
    "DestinationSecurityGroupId": "",
    "SourcePrefixListId": "",
    "DestinationPrefixListId": "",
    "SourceSecurityGroupName": "",
}
# CDK writes this rule, which matches nothing, for "no traffic".
_NO_TRAFFIC = "255.255.255.255/32"


@dataclass(frozen=True)
class Rule:
    """One rule of one security group."""

    group: str
    inbound: bool
    protocol: str
    first: int
    last: int
    ports: str
    """The ports as text, if they are not numbers."""
    peer: str

    def covers(self, other: Rule) -> bool:
        """True if this rule allows all traffic that the other rule allows."""
        return (
            (self.group, self.inbound) == (other.group, other.inbound)
            and self.protocol in (_ALL, other.protocol)
            and (self.protocol == _ALL or self._covers_ports(other))
            and _within(other.peer, self.peer)
        )

    def _covers_ports(self, other: Rule) -> bool:
        if self.ports or other.ports:
            return self.ports == other.ports or (not self.ports and (self.first, self.last) == _PORTS)
        return self.first <= other.first and other.last <= self.last

    @property
    def words(self) -> str:
        """Returns the traffic that the rule allows, in words."""
        traffic = "everything" if self.protocol == _ALL else f"{self.protocol} {self._ports}"
        peer = "the internet" if self.peer in ("0.0.0.0/0", "::/0") else f"`{self.peer.strip('{}')}`"
        verb, preposition = ("accepts", "from") if self.inbound else ("may send", "to")
        return f"`{self.group}` {verb} {traffic} {preposition} {peer}"

    @property
    def _ports(self) -> str:
        if self.ports:
            return self.ports.strip("{}")
        if (self.first, self.last) == _PORTS:
            return "on all ports"
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def networks(stack: str, before: Side, after: Side) -> Iterator[Broadening]:
    """Yields the network paths that open or close."""
    old, new = list(_rules(before)), list(_rules(after))
    for direction, current, wanted in ((Direction.GROWS, old, new), (Direction.NARROWS, new, old)):
        for rule in wanted:
            if not any(other.covers(rule) for other in current):
                words = rule.words if direction is Direction.GROWS else f"no longer: {rule.words}"
                yield Broadening(stack, rule.group, "", Reach.NETWORK, direction, words)


def _rules(side: Side) -> Iterator[Rule]:
    for logical_id, resource in resources(side.template).items():
        kind, properties = resource["Type"], resource.get("Properties") or {}
        if kind == "AWS::EC2::SecurityGroup":
            group = side.names.text({"Ref": logical_id})
            for rule in _listed(properties.get("SecurityGroupIngress")):
                yield from _rule(side, group, rule, inbound=True)
            # Without an egress rule, EC2 allows all outbound traffic.
            for rule in _listed(properties.get("SecurityGroupEgress")) or [{"IpProtocol": _ALL, "CidrIp": "0.0.0.0/0"}]:
                yield from _rule(side, group, rule, inbound=False)
        if kind in ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
            group = side.names.text(properties.get("GroupId", properties.get("GroupName", "")))
            yield from _rule(side, group, properties, inbound=kind.endswith("Ingress"))


def _rule(side: Side, group: str, rule: Json, *, inbound: bool) -> Iterator[Rule]:
    protocol = str(rule.get("IpProtocol", _ALL)).lower()
    ends = [rule.get("FromPort"), rule.get("ToPort")]
    numbers = [_number(end) for end in ends]
    written = "" if None not in numbers else side.names.text(ends[0])
    first, last = (0 if numbers[0] is None else numbers[0], 65535 if numbers[1] is None else numbers[1])
    if first == -1:  # EC2 writes -1 for all ports
        first, last = _PORTS
    for name in _PEERS:
        if name in rule:
            peer = side.names.text(rule[name])
            if peer != _NO_TRAFFIC:
                yield Rule(
                    group=_plain(group),
                    inbound=inbound,
                    protocol=protocol,
                    first=first,
                    last=last,
                    ports="" if ends == [None, None] else written,
                    peer=_plain(peer),
                )


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _within(inner: str, outer: str) -> bool:
    if inner == outer:
        return True
    try:
        network, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    except ValueError:
        return False
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]  # the versions were just compared


def _plain(text: str) -> str:
    return " ".join(text.strip("{}").replace("`", "'").split())


def _listed(value: Any) -> list[Json]:
    items = [] if value is None else value if isinstance(value, list) else [value]
    return [dict(item) for item in items if isinstance(item, Mapping)]
