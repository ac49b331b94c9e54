"""The web application firewall in front of CloudFront."""

from __future__ import annotations

import pytest
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.web_acl import WebAcl
from tests.support.stack import empty_stack, properties
from tests.support.synthesis import Json


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    WebAcl(
        stack,
        "WebAcl",
        log_name="shop",
        log_retention=logs.RetentionDays.ONE_MONTH,
        requests_per_5_minutes=300,
        counted={
            "SizeRestrictions_BODY": "AWSManagedRulesCommonRuleSet",
            "CrossSiteScripting_BODY": "AWSManagedRulesCommonRuleSet",
            "Log4JRCE_BODY": "AWSManagedRulesKnownBadInputsRuleSet",
        },
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def rules(template: Template) -> dict[str, Json]:
    return {rule["Name"]: rule for rule in properties(template, "AWS::WAFv2::WebACL")["Rules"]}


def test_only_blocked_and_counted_requests_are_logged(template: Template) -> None:
    logging = properties(template, "AWS::WAFv2::LoggingConfiguration")
    (kept,) = logging["LoggingFilter"]["Filters"]

    assert logging["LoggingFilter"]["DefaultBehavior"] == "DROP"
    assert kept["Behavior"] == "KEEP"
    assert {condition["ActionCondition"]["Action"] for condition in kept["Conditions"]} == {
        "BLOCK",
        "COUNT",
        "EXCLUDED_AS_COUNT",
    }
    assert properties(template, "AWS::Logs::LogGroup")["LogGroupName"] == "aws-waf-logs-shop"
    assert ":*" not in str(logging["LogDestinationConfigs"])


def test_an_address_is_blocked_above_the_limit_within_five_minutes(rules: dict[str, Json]) -> None:
    assert rules["RateLimit"]["Action"] == {"Block": {}}
    assert rules["RateLimit"]["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "Limit": 300,
        "EvaluationWindowSec": 300,
    }


def test_awss_common_rules_apply(rules: dict[str, Json]) -> None:
    assert set(rules) == {
        "RateLimit",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesAmazonIpReputationList",
    }


def overrides(rule: Json) -> dict[str, Json]:
    statement = rule["Statement"]["ManagedRuleGroupStatement"]
    return {override["Name"]: override["ActionToUse"] for override in statement.get("RuleActionOverrides", [])}


def test_the_counted_rules_do_not_block_in_the_group_that_they_are_part_of(rules: dict[str, Json]) -> None:
    counted: Json = {"Count": {}}

    assert overrides(rules["AWSManagedRulesCommonRuleSet"]) == {
        "SizeRestrictions_BODY": counted,
        "CrossSiteScripting_BODY": counted,
    }
    assert overrides(rules["AWSManagedRulesKnownBadInputsRuleSet"]) == {"Log4JRCE_BODY": counted}
    assert overrides(rules["AWSManagedRulesAmazonIpReputationList"]) == {}


def test_every_rule_has_metrics(rules: dict[str, Json]) -> None:
    assert all(rule["VisibilityConfig"]["CloudWatchMetricsEnabled"] for rule in rules.values())


def test_no_two_rules_share_a_priority(rules: dict[str, Json]) -> None:
    assert sorted(rule["Priority"] for rule in rules.values()) == [0, 1, 2, 3]
