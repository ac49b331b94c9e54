"""The web application firewall in front of CloudFront."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from slipway.log_retention import accept_log_encryption

_MANAGED = (
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesAmazonIpReputationList",
)

_BLOCKED_OR_COUNTED = {
    "DefaultBehavior": "DROP",
    "Filters": [
        {
            "Behavior": "KEEP",
            "Requirement": "MEETS_ANY",
            "Conditions": [
                {"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
            ],
        }
    ],
}


class WebAcl(wafv2.CfnWebACL):
    """A web ACL with AWS's common rules, and a limit on requests from one IP address.

    Default settings:
    - the rules in `counted`, each with its rule group, count the requests that they match, and do not block them;
    - the rate limit applies to five minutes;
    - blocked and counted requests are logged to `aws-waf-logs-<log_name>`; other requests are not.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_name: str,
        log_retention: logs.RetentionDays,
        requests_per_5_minutes: int,
        counted: Mapping[str, str],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            scope="CLOUDFRONT",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible(construct_id),
            rules=[
                _rate_limit(requests_per_5_minutes),
                *(
                    _managed(name, priority, [rule for rule, group in counted.items() if group == name])
                    for priority, name in enumerate(_MANAGED, start=1)
                ),
            ],
        )
        self._log(log_name, log_retention)

    def _log(self, name: str, retention: logs.RetentionDays) -> None:
        group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"aws-waf-logs-{name}",  # AWS requires the prefix
            retention=retention,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        accept_log_encryption(group)
        arn = cdk.Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=group.log_group_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,  # without the `:*` of the group's own attribute
        )
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.attr_arn,
            log_destination_configs=[arn],
            logging_filter=_BLOCKED_OR_COUNTED,
        )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )


def _rate_limit(requests: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="RateLimit",
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        visibility_config=_visible("RateLimit"),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=requests, evaluation_window_sec=300
            )
        ),
    )


def _managed(name: str, priority: int, counted: Sequence[str]) -> wafv2.CfnWebACL.RuleProperty:
    overrides = [
        wafv2.CfnWebACL.RuleActionOverrideProperty(
            name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
        )
        for rule in counted
    ]
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        visibility_config=_visible(name),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=overrides or None,
            )
        ),
    )
