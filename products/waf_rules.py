"""The rules of AWS's managed rule groups that a firewall uses, so that a manifest can name them."""

from __future__ import annotations

# docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html and
# aws-managed-rule-groups-ip-rep.html, read on 2026-11-30.
_GROUPS = {
    "AWSManagedRulesCommonRuleSet": """
        NoUserAgent_HEADER UserAgent_BadBots_HEADER
        SizeRestrictions_QUERYSTRING SizeRestrictions_Cookie_HEADER SizeRestrictions_BODY SizeRestrictions_URIPATH
        EC2MetaDataSSRF_BODY EC2MetaDataSSRF_COOKIE EC2MetaDataSSRF_URIPATH EC2MetaDataSSRF_QUERYARGUMENTS
        GenericLFI_QUERYARGUMENTS GenericLFI_URIPATH GenericLFI_BODY
        RestrictedExtensions_URIPATH RestrictedExtensions_QUERYARGUMENTS
        GenericRFI_QUERYARGUMENTS GenericRFI_BODY GenericRFI_URIPATH
        CrossSiteScripting_COOKIE CrossSiteScripting_QUERYARGUMENTS CrossSiteScripting_BODY CrossSiteScripting_URIPATH
    """,
    "AWSManagedRulesKnownBadInputsRuleSet": """
        JavaDeserializationRCE_HEADER JavaDeserializationRCE_BODY JavaDeserializationRCE_URIPATH
        JavaDeserializationRCE_QUERYSTRING Host_localhost_HEADER PROPFIND_METHOD ExploitablePaths_URIPATH
        Log4JRCE_HEADER Log4JRCE_QUERYSTRING Log4JRCE_BODY Log4JRCE_URIPATH
        ReactJSRCE_BODY
    """,
    "AWSManagedRulesAmazonIpReputationList": """
        AWSManagedIPReputationList AWSManagedReconnaissanceList AWSManagedIPDDoSList
    """,
}

RULES: dict[str, str] = {rule: group for group, rules in _GROUPS.items() for rule in rules.split()}
"""The rule group of each rule."""
