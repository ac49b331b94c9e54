"""Resource types of WAF are created, updated and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_the_addresses_of_an_ip_set_are_updated(plain: Plain) -> None:
    stack, waf = unique("set"), plain.client("wafv2")

    def template(*addresses: str) -> dict[str, Any]:
        props = {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": list(addresses)}
        return resources(Set=("AWS::WAFv2::IPSet", props))

    name, identity, scope = plain.deploy(template("10.0.0.0/8"), stack)["Set"].split("|")
    plain.deploy(template("192.168.0.0/16"), stack)
    found = waf.get_ip_set(Name=name, Id=identity, Scope=scope)["IPSet"]
    assert found["Addresses"] == ["192.168.0.0/16"]
    assert plain.delete(stack) == "DELETE_COMPLETE"


def test_a_web_acl_has_its_rules(plain: Plain) -> None:
    shown = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    managed = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}
    rule = {"Name": "r", "Priority": 0, "Statement": managed, "OverrideAction": {"None": {}}, "VisibilityConfig": shown}
    props = {"Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "VisibilityConfig": shown, "Rules": [rule]}
    made = plain.deploy(resources(Acl=("AWS::WAFv2::WebACL", props)))["Acl"]
    name, identity, scope = made.split("|")
    found = plain.client("wafv2").get_web_acl(Name=name, Id=identity, Scope=scope)["WebACL"]
    assert [item["Name"] for item in found["Rules"]] == ["r"]
