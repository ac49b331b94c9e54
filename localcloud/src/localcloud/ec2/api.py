"""EC2's API: stores prefix lists of security group rules, and the private DNS setting and policy of VPC endpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import ec2

SYMBOLS: tuple[str, ...] = (
    "ministack.services.ec2:_p",
    "ministack.services.ec2:_parse_ip_permissions",
    "ministack.services.ec2:_vpce_fields_xml",
)


def _numbered(params: Mapping[str, Any], prefix: str, member: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while value := ec2._p(params, f"{prefix}.{len(found) + 1}.{member}"):
        description = ec2._p(params, f"{prefix}.{len(found) + 1}.Description")
        found.append({member: value, **({"Description": description} if description else {})})
    return found


def _permissions(original: Any) -> Any:
    def parse(params: Mapping[str, Any], prefix: str) -> Any:
        rules = original(params, prefix)
        for number, rule in enumerate(rules, 1):
            rule["PrefixListIds"] = _numbered(params, f"{prefix}.{number}.PrefixListIds", "PrefixListId")
        return rules

    return parse


def _endpoint(original: Any) -> Any:
    def render(endpoint: Mapping[str, Any], tag: str = "item") -> str:
        policy = endpoint.get("PolicyDocument")
        text = policy if isinstance(policy, str) else json.dumps(policy) if policy else ""
        groups = "".join(f"<item><groupId>{group}</groupId></item>" for group in endpoint.get("SecurityGroupIds") or [])
        private = str(endpoint.get("PrivateDnsEnabled", False)).lower()
        more = (
            f"<privateDnsEnabled>{private}</privateDnsEnabled><groupSet>{groups}</groupSet>"
            f"<policyDocument>{escape(text)}</policyDocument></{tag}>"
        )
        return str(original(endpoint, tag)).removesuffix(f"</{tag}>") + more

    return render


def install() -> None:
    """Replace MiniStack's functions, which ignore these members."""
    ec2._parse_ip_permissions = _permissions(ec2._parse_ip_permissions)
    ec2._vpce_fields_xml = _endpoint(ec2._vpce_fields_xml)
