"""WebSockets through a load balancer, directly or through a VPC origin of CloudFront.

MiniStack's data plane supports only HTTP. Here a handshake is routed by the same distribution behaviors, listener rules
and healthy targets as a request. Then messages are copied in both directions until one side closes.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from ministack import app as gateway
from ministack.services import alb, cloudfront
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from localcloud.asgi import Application, Message, Receive, Send, refuse_socket
from localcloud.cloudfront import owners, protocol, sitenames
from localcloud.ecs import draining

SYMBOLS = (
    *owners.SYMBOLS,
    *protocol.SYMBOLS,
    *sitenames.SYMBOLS,
    "ministack.app:_ALB_PATH_PREFIX",
    "ministack.app:_parse_cloudfront_dataplane_host",
    "ministack.services.alb:_find_lb_by_name",
    "ministack.services.alb:_listeners",
    "ministack.services.alb:_match_condition",
    "ministack.services.alb:_rule_sort_key",
    "ministack.services.alb:_rules",
    "ministack.services.alb:_target_headers",
    "ministack.services.alb:_targets",
    "ministack.services.alb:find_lb_for_host",
    "ministack.services.cloudfront:_build_function_event",
    "ministack.services.cloudfront:_forwarding_predicates",
    "ministack.services.cloudfront:_match_behavior",
    "ministack.services.cloudfront:_merge_function_headers",
    "ministack.services.cloudfront:_origin_connect_target",
    "ministack.services.cloudfront:_origin_request_headers",
    "ministack.services.cloudfront:_registered_alb",
    "ministack.services.cloudfront:_run_function",
    "ministack.services.cloudfront:find_distribution_for_label",
    "ministack.services.cloudfront:parse_distribution_dataplane_config",
)

_HANDSHAKE = ("connection", "upgrade", "host", "content-length")
_GOING_AWAY = 1001
_FAILED = 1011

logger = logging.getLogger("localcloud")


class RefusedError(Exception):
    """The handshake is refused with an HTTP status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass
class Handshake:
    """A WebSocket handshake that is routed to a target."""

    host: str
    path: str
    query: str
    headers: dict[str, str]
    subprotocols: list[str] = field(default_factory=list)
    balancer: Any = None
    port: int = 80
    distribution: Mapping[str, Any] | None = None
    """The distribution whose origin the load balancer is."""


def parse(scope: Mapping[str, Any]) -> Handshake:
    """Returns the handshake of an ASGI scope."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    raw = scope.get("raw_path") or scope["path"].encode()
    return Handshake(
        host=headers.get("host", ""),
        path=raw.decode("latin-1").split("?")[0],
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        subprotocols=list(scope.get("subprotocols") or ()),
    )


# --- routing ---------------------------------------------------------------------------------------------------------


async def route(handshake: Handshake) -> bool:
    """Finds the load balancer, if necessary through CloudFront; returns False if the host belongs to neither."""
    label = gateway._parse_cloudfront_dataplane_host(handshake.host)
    distribution = cloudfront.find_distribution_for_label(label) if label else None
    if distribution is not None:
        handshake.distribution = distribution
        with owners.scope(distribution):
            await _through_cloudfront(handshake, distribution)
        return True
    handshake.balancer = alb.find_lb_for_host(handshake.host)
    prefix = gateway._ALB_PATH_PREFIX
    if handshake.balancer is None and handshake.path.startswith(prefix):
        name, _, rest = handshake.path.removeprefix(prefix).partition("/")
        handshake.balancer, handshake.path = alb._find_lb_by_name(name), "/" + rest
    return handshake.balancer is not None


async def _through_cloudfront(handshake: Handshake, distribution: Mapping[str, Any]) -> None:
    if sitenames.local(handshake.headers):
        handshake.headers = sitenames.request(handshake.headers, sitenames.on_aws(distribution))
    parsed = cloudfront.parse_distribution_dataplane_config(distribution)
    behavior = cloudfront._match_behavior(parsed, handshake.path)
    if behavior is None:
        raise RefusedError(HTTPStatus.BAD_GATEWAY, "no behavior matches")
    await _viewer_function(handshake, distribution, behavior)
    origin = parsed["origins"].get(behavior["target_origin_id"])
    balancer = cloudfront._registered_alb(origin) if origin and not origin.get("s3_bucket") else None
    if balancer is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the behavior's origin is not a load balancer")
    handshake.headers = protocol.added(handshake.headers, distribution, handshake.path)
    header_allowed, cookie_allowed, query_allowed = cloudfront._forwarding_predicates(behavior)
    if not header_allowed("sec-websocket-key"):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the origin request policy does not forward Sec-WebSocket-Key")
    client, forwarded_for = "127.0.0.1", handshake.headers.get("x-forwarded-for", "")
    headers = {name: value for name, value in handshake.headers.items() if header_allowed(name) and name != "cookie"}
    cookies = [pair.strip() for pair in handshake.headers.get("cookie", "").split(";") if pair.strip()]
    allowed = [pair for pair in cookies if cookie_allowed(pair.split("=", 1)[0])]
    if allowed:
        headers["cookie"] = "; ".join(allowed)
    sent = cloudfront._origin_request_headers(origin, headers, client, forwarded_for)
    handshake.headers = {name.lower(): value for name, value in sent.items()}
    handshake.host = handshake.headers.get("host", handshake.host)
    pairs = [pair for pair in handshake.query.split("&") if pair and query_allowed(pair.split("=", 1)[0])]
    handshake.query = "&".join(pairs)
    handshake.path = (origin.get("origin_path") or "") + handshake.path
    _, handshake.port, _ = cloudfront._origin_connect_target(origin, viewer_is_https=True)
    handshake.balancer = balancer


async def _viewer_function(handshake: Handshake, distribution: Mapping[str, Any], behavior: Mapping[str, Any]) -> None:
    """Run the behavior's viewer-request function, which may change the request or respond to it."""
    arn = behavior["functions"].get("viewer-request")
    if not arn:
        return
    query = parse_qs(handshake.query, keep_blank_values=True)
    event = cloudfront._build_function_event(
        "viewer-request",
        distribution["Id"],
        distribution["DomainName"],
        "websocket",
        "GET",
        handshake.path,
        query,
        handshake.headers,
        "127.0.0.1",
    )
    result = await cloudfront._run_function(arn, event)
    if not isinstance(result, dict):
        return
    if "statusCode" in result:
        raise RefusedError(int(result["statusCode"]), "answered by the viewer-request function")
    handshake.path = result.get("uri", handshake.path)
    merged = cloudfront._merge_function_headers(event["request"]["headers"], result.get("headers"))
    handshake.headers = {**handshake.headers, **{name: str(value) for name, value in merged.items()}}


def target(handshake: Handshake) -> tuple[str, int, dict[str, str]]:
    """Returns a healthy target according to the listener's rules, and the headers for it."""
    arn = handshake.balancer["LoadBalancerArn"]
    listeners = [listener for listener in alb._listeners.values() if listener["LoadBalancerArn"] == arn]
    exact = [listener for listener in listeners if listener.get("Port") == handshake.port]
    if not listeners:
        raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "no listener")
    listener = (exact or listeners)[0]
    headers = alb._target_headers(arn, listener, handshake.headers, "127.0.0.1")
    group = _group(_action(listener, handshake))
    targets = alb._targets.get(group, [])
    if not targets:
        raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "no healthy target")
    chosen = random.choice(targets)  # noqa: S311  (balancing, not secrecy)
    return str(chosen["Id"]), int(chosen.get("Port") or 80), headers


def _action(listener: Mapping[str, Any], handshake: Handshake) -> Mapping[str, Any]:
    rules = [rule for rule in alb._rules.values() if rule.get("ListenerArn") == listener["ListenerArn"]]
    query = parse_qs(handshake.query, keep_blank_values=True)
    for rule in sorted(rules, key=alb._rule_sort_key):
        conditions = rule.get("Conditions", [])
        matched = all(
            alb._match_condition(condition, "GET", handshake.path, handshake.headers, query) for condition in conditions
        )
        if rule.get("IsDefault") or matched:
            actions = rule.get("Actions") or listener.get("DefaultActions", [])
            return dict(actions[-1])
    return dict(listener["DefaultActions"][-1])


def _group(action: Mapping[str, Any]) -> str:
    if action.get("Type", "").lower() == "fixed-response":
        status = int(action.get("FixedResponseConfig", {}).get("StatusCode", HTTPStatus.FORBIDDEN))
        raise RefusedError(status, "fixed response")
    if action.get("Type", "").lower() != "forward":
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"a WebSocket cannot follow the action {action.get('Type')}")
    return str(action["TargetGroupArn"])


# --- copying ---------------------------------------------------------------------------------------------------------


async def serve(handshake: Handshake, receive: Receive, send: Send) -> None:
    """Connect to the target, accept the WebSocket, and copy messages until one side closes."""
    with owners.scope(handshake.distribution) if handshake.distribution else nullcontext():
        address, port, headers = target(handshake)
    with draining.using(address):
        async with await _connected(handshake, address, port, headers) as upstream:
            await send({"type": "websocket.accept", "subprotocol": upstream.subprotocol})
            downward = asyncio.create_task(_down(upstream, send))
            upward = asyncio.create_task(_up(upstream, receive))
            await asyncio.wait({downward, upward}, return_when=asyncio.FIRST_COMPLETED)
            for task in (downward, upward):
                task.cancel()
            await asyncio.gather(downward, upward, return_exceptions=True)


async def _connected(handshake: Handshake, address: str, port: int, headers: Mapping[str, str]) -> ClientConnection:
    kept = [(k, v) for k, v in headers.items() if k not in _HANDSHAKE and not k.startswith("sec-websocket-")]
    query = f"?{handshake.query}" if handshake.query else ""
    host = handshake.host.partition(":")[0] or address
    return await connect(
        f"ws://{host}{handshake.path}{query}",
        host=address,
        port=port,
        additional_headers=[(name, str(value)) for name, value in kept if name not in ("origin", "user-agent")],
        origin=headers.get("origin"),  # type: ignore[arg-type]  # its NewType is a str
        user_agent_header=headers.get("user-agent"),
        subprotocols=[Subprotocol(name) for name in handshake.subprotocols] or None,
        max_size=None,
        ping_interval=None,
        proxy=None,
    )


async def _up(upstream: ClientConnection, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            code = message.get("code") or _GOING_AWAY
            await upstream.close(code if code not in (1005, 1006) else _GOING_AWAY)
            return
        if message["type"] == "websocket.receive":
            text = message.get("text")
            await upstream.send(text if text is not None else message["bytes"])


async def _down(upstream: ClientConnection, send: Send) -> None:
    try:
        async for message in upstream:
            key = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", key: message})
    except ConnectionClosed:
        pass
    code = upstream.close_code or _FAILED
    await send({"type": "websocket.close", "code": code if code not in (1005, 1006) else _GOING_AWAY})


def around(application: Application) -> Application:
    """Returns the application with support for WebSockets of load balancers and distributions."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await application(scope, receive, send)
            return
        handshake = parse(scope)
        try:
            if not await route(handshake):
                await application(scope, receive, send)
                return
            await receive()  # websocket.connect
            await serve(handshake, receive, send)
        except RefusedError as error:
            await refuse_socket(scope, send, error.status, str(error))
        except InvalidStatus as error:
            await refuse_socket(scope, send, error.response.status_code, "refused by the target")
        except (OSError, TimeoutError, InvalidHandshake) as error:
            logger.warning("websocket %s%s: %s", handshake.host, handshake.path, error)
            await refuse_socket(scope, send, HTTPStatus.BAD_GATEWAY, "the target does not answer")

    return wrapped


def install() -> None:
    """Do nothing: the server calls `around` itself."""
