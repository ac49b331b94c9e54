"""`CloudFront-Forwarded-Proto`: the visitor's protocol, in requests whose policies name the header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudfront

SYMBOLS: tuple[str, ...] = (
    "ministack.services.cloudfront:_match_behavior",
    "ministack.services.cloudfront:cache_policy_params",
    "ministack.services.cloudfront:origin_request_policy_config",
    "ministack.services.cloudfront:parse_distribution_dataplane_config",
)
_HEADER = "cloudfront-forwarded-proto"


def added(headers: Mapping[str, str], distribution: Mapping[str, Any], path: str) -> dict[str, str]:
    """Returns a visitor's headers with CloudFront's own; what the visitor sent in its place is removed."""
    kept = {name: value for name, value in headers.items() if name.lower() != _HEADER}
    behavior = cloudfront._match_behavior(cloudfront.parse_distribution_dataplane_config(distribution), path) or {}
    if _HEADER in {str(name).lower() for name in _named(behavior)}:
        kept[_HEADER] = headers.get("x-forwarded-proto", "https")
    return kept


def _named(behavior: Mapping[str, Any]) -> list[Any]:
    """Returns the headers that the policies of a behavior name."""
    cached, requested = behavior.get("cache_policy_id"), behavior.get("origin_request_policy_id")
    key = (cloudfront.cache_policy_params(cached) or {}) if cached else {}
    policy = (cloudfront.origin_request_policy_config(requested) or {}) if requested else {}
    return [*(key.get("Headers") or []), *(policy.get("Headers") or [])]
