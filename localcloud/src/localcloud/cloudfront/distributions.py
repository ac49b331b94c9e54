"""CloudFront's data plane: VPC origins, a local viewer that counts as HTTPS, and a cache one can invalidate.

`http://<distribution id>.cloudfront.localhost:<port>/` reaches a distribution. Browsers speak plain HTTP there, so a
request without `X-Forwarded-Proto` counts as HTTPS: `redirect-to-https` would send the browser to a port nobody
listens on. With `X-Forwarded-Proto: http` the redirect shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudfront

from localcloud.cloudfront import addresses, serving
from localcloud.cloudfront.cache import Cache

SYMBOLS: tuple[str, ...] = (
    *addresses.SYMBOLS,
    *serving.SYMBOLS,
    "ministack.services.cloudfront:_dataplane_allowed_methods",
    "ministack.services.cloudfront:_dataplane_origin",
    "ministack.services.cloudfront:_find",
    "ministack.services.cloudfront:_text",
    "ministack.services.cloudfront:_vpc_origins",
    "ministack.services.cloudfront:find_distribution_for_label",
)


def endpoint(vpc_origin: Mapping[str, Any]) -> dict[str, Any]:
    """How to reach what a VPC origin points at."""
    config = vpc_origin.get("VpcOriginEndpointConfig") or {}
    return {
        "http_port": int(config.get("HTTPPort") or 80),
        "https_port": int(config.get("HTTPSPort") or 443),
        "protocol_policy": config.get("OriginProtocolPolicy") or "match-viewer",
    }


def _origins() -> None:
    """The protocol and ports of a VPC origin stand on it, not on the distribution."""
    plain = cloudfront._dataplane_origin

    def reading(element: Any) -> Any:
        origin = plain(element)
        declared = cloudfront._find(element, "VpcOriginConfig")
        if declared is not None:
            found = cloudfront._vpc_origins.get(cloudfront._text(declared, "VpcOriginId"))
            origin |= endpoint(found or {})
            timeout = cloudfront._text(declared, "OriginReadTimeout")
            origin["read_timeout"] = int(timeout or 30)
        return origin

    cloudfront._dataplane_origin = reading


def _methods() -> None:
    """A behavior that names no methods takes GET and HEAD."""
    plain = cloudfront._dataplane_allowed_methods
    cloudfront._dataplane_allowed_methods = lambda element: plain(element) or ["GET", "HEAD"]


def _labels() -> None:
    """A distribution is reached by its id too, not by its domain's label alone."""
    plain = cloudfront.find_distribution_for_label

    def finding(label: str) -> Any:
        return plain(label) or next(
            (found for name, found in cloudfront._distributions.items() if name.lower() == label.lower()), None
        )

    cloudfront.find_distribution_for_label = finding


def install() -> None:
    """Correct origins, then put the cache and the viewer's protocol around them."""
    _origins()
    _methods()
    _labels()
    addresses.install()
    serving.install(Cache())
