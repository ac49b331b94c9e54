"""Load balancers as HTTPS origins of CloudFront: the HTTPS listener serves the request, without TLS in between.

MiniStack serves only HTTP listeners to CloudFront, because it has no TLS handshake in which to check a certificate.
Here both are the same process, so there is nothing to encrypt; the load balancer adds `X-Forwarded-Proto: https`, as on
AWS.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from ministack.services import alb, cloudfront

SYMBOLS: tuple[str, ...] = (
    "ministack.services.alb:_listeners",
    "ministack.services.alb:dispatch_request",
    "ministack.services.cloudfront:OriginTimeout",
    "ministack.services.cloudfront:OriginUnreachable",
    "ministack.services.cloudfront:_collect_streaming_body",
    "ministack.services.cloudfront:_fetch_from_alb_origin",
    "ministack.services.cloudfront:_origin_connect_target",
    "ministack.services.cloudfront:_origin_request_headers",
    "ministack.services.cloudfront:StreamingResponse",
)


def _listens(balancer: Mapping[str, Any], port: int) -> bool:
    return any(
        listener["LoadBalancerArn"] == balancer["LoadBalancerArn"]
        and listener.get("Port") == port
        and listener.get("Protocol") == "HTTPS"
        and listener.get("Certificates")
        for listener in alb._listeners.values()
    )


async def _answer(  # noqa: PLR0917 - most arguments of the replaced function
    balancer: Any, origin: Any, port: int, method: str, uri: str, query: str, headers: Any, body: Any
) -> Any:
    seconds = origin.get("read_timeout", 30)
    try:
        async with asyncio.timeout(seconds):
            status, answered, data = await alb.dispatch_request(
                balancer,
                method,
                uri,
                headers,
                body or b"",
                parse_qs(query, keep_blank_values=True),
                port,
                client_ip="127.0.0.1",
                raw_query_string=query,
            )
            if isinstance(data, cloudfront.StreamingResponse):
                data = await cloudfront._collect_streaming_body(data, seconds)
    except TimeoutError as error:
        raise cloudfront.OriginTimeout(f"no response from {balancer['DNSName']} within {seconds}s") from error
    except OSError as error:
        raise cloudfront.OriginUnreachable(str(error)) from error
    pairs = [
        (name, value)
        for name, values in answered.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return status, http.client.responses.get(status, ""), pairs, data


def install() -> None:
    """Let distributions fetch from HTTPS listeners."""
    original = cloudfront._fetch_from_alb_origin

    async def fetch(  # noqa: PLR0917 - the signature of the replaced function
        balancer: Any,
        origin: Any,
        method: str,
        uri: str,
        query: str,
        headers: Any,
        body: Any,
        viewer_is_https: bool,
        client: str,
        forwarded_for: str,
    ) -> Any:
        _, port, https = cloudfront._origin_connect_target(origin, viewer_is_https)
        if not https:
            return await original(
                balancer, origin, method, uri, query, headers, body, viewer_is_https, client, forwarded_for
            )
        if not _listens(balancer, port):
            raise cloudfront.OriginUnreachable(f"no HTTPS listener on port {port} of {balancer['DNSName']}")
        sent = cloudfront._origin_request_headers(origin, headers, client, forwarded_for)
        lower = {name.lower(): value for name, value in sent.items()}
        return await _answer(balancer, origin, port, method, uri, query, lower, body)

    cloudfront._fetch_from_alb_origin = fetch
