"""What the edge uses: CloudFront, WAF, Route 53."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import Use


def distribution(it: Resource) -> Iterator[Use]:
    """Data to users, and their requests."""
    gb, millions = it.assume.cdn_gb, it.assume.requests_millions
    yield Use("CloudFront, data to users", "cloudfront-gb", gb, "GB", f"{gb} GB a month, to North America or Europe")
    yield Use("CloudFront, requests", "cloudfront-million-requests", millions, "millions", _requests(it))
    default = it.properties.get("DistributionConfig", {}).get("DefaultCacheBehavior", {})
    if default.get("FunctionAssociations"):
        yield Use("CloudFront function", "cloudfront-million-functions", millions, "millions", _requests(it))


def web_acl(it: Resource) -> Iterator[Use]:
    """The list, each rule, and each request it looks at."""
    yield Use("WAF, web ACL", "waf-acl-month", Decimal(1), "lists")
    yield Use("WAF, rules", "waf-rule-month", Decimal(len(it.properties.get("Rules", []))), "rules")
    yield Use("WAF, requests", "waf-million-requests", it.assume.requests_millions, "millions", _requests(it))


def zone(it: Resource) -> Iterator[Use]:
    """A hosted zone."""
    yield Use(f"hosted zone {it.text('Name', it.logical_id)}", "route53-zone-month", Decimal(1), "zones")


def _requests(it: Resource) -> str:
    return f"{it.assume.requests_millions} million requests a month"
