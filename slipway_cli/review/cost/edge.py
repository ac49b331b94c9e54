"""The usage of the edge: CloudFront, WAF, Route 53."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import Use


def distribution(resource: Resource) -> Iterator[Use]:
    """Yields the data sent to users, and their requests."""
    gb, millions = resource.assume.cdn_gb, resource.assume.requests_millions
    yield Use("CloudFront, data to users", "cloudfront-gb", gb, "GB", f"{gb} GB a month, to North America or Europe")
    yield Use("CloudFront, requests", "cloudfront-million-requests", millions, "millions", _requests(resource))
    default = resource.properties.get("DistributionConfig", {}).get("DefaultCacheBehavior", {})
    if default.get("FunctionAssociations"):
        yield Use("CloudFront function", "cloudfront-million-functions", millions, "millions", _requests(resource))


def web_acl(resource: Resource) -> Iterator[Use]:
    """Yields the web ACL, its rules and the requests that it inspects."""
    yield Use("WAF, web ACL", "waf-acl-month", Decimal(1), "lists")
    yield Use("WAF, rules", "waf-rule-month", Decimal(len(resource.properties.get("Rules", []))), "rules")
    yield Use(
        "WAF, requests", "waf-million-requests", resource.assume.requests_millions, "millions", _requests(resource)
    )


def zone(resource: Resource) -> Iterator[Use]:
    """Yields a hosted zone."""
    yield Use(f"hosted zone {resource.text('Name', resource.logical_id)}", "route53-zone-month", Decimal(1), "zones")


def _requests(resource: Resource) -> str:
    return f"{resource.assume.requests_millions} million requests a month"
