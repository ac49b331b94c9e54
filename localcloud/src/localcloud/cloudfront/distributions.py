"""CloudFront's data plane: VPC origins, local requests that count as HTTPS, and a cache with invalidation.

The URL of a distribution is `http://<distribution id>.cloudfront.localhost:<port>/`. Browsers use plain HTTP there, so
a request without `X-Forwarded-Proto` counts as HTTPS: otherwise `redirect-to-https` would redirect to a port on which
nothing listens. A request with `X-Forwarded-Proto: http` is redirected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudfront

from localcloud.cloudfront import addresses, functions, https_origins, owners, serving
from localcloud.cloudfront.cache import Cache

SYMBOLS: tuple[str, ...] = (
    *addresses.SYMBOLS,
    *functions.SYMBOLS,
    *https_origins.SYMBOLS,
    *owners.SYMBOLS,
    *serving.SYMBOLS,
    "ministack.services.cloudfront:_dataplane_allowed_methods",
    "ministack.services.cloudfront:_dataplane_origin",
    "ministack.services.cloudfront:_find",
    "ministack.services.cloudfront:_text",
    "ministack.services.cloudfront:_vpc_origins",
    "ministack.services.cloudfront:find_distribution_for_label",
)


def endpoint(vpc_origin: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the ports and the protocol policy of a VPC origin."""
    config = vpc_origin.get("VpcOriginEndpointConfig") or {}
    return {
        "http_port": int(config.get("HTTPPort") or 80),
        "https_port": int(config.get("HTTPSPort") or 443),
        "protocol_policy": config.get("OriginProtocolPolicy") or "match-viewer",
    }


def _origins() -> None:
    """Read the protocol and ports of a VPC origin from the VPC origin, not from the distribution."""
    original = cloudfront._dataplane_origin

    def reading(element: Any) -> Any:
        origin = original(element)
        declared = cloudfront._find(element, "VpcOriginConfig")
        if declared is not None:
            found = cloudfront._vpc_origins.get(cloudfront._text(declared, "VpcOriginId"))
            origin |= endpoint(found or {})
            timeout = cloudfront._text(declared, "OriginReadTimeout")
            origin["read_timeout"] = int(timeout or 30)
        return origin

    cloudfront._dataplane_origin = reading


def _methods() -> None:
    """Allow GET and HEAD for a behavior without allowed methods."""
    original = cloudfront._dataplane_allowed_methods
    cloudfront._dataplane_allowed_methods = lambda element: original(element) or ["GET", "HEAD"]


def _labels() -> None:
    """Find a distribution also by its ID, not only by the label of its domain name, and in any account."""
    cloudfront.find_distribution_for_label = owners.find


def install() -> None:
    """Correct origins, methods and labels, and install the cache."""
    _origins()
    _methods()
    _labels()
    addresses.install()
    functions.install()
    https_origins.install()
    serving.install(Cache())
