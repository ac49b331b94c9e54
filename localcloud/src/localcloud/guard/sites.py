"""Requests to a product's site reach the product, whatever their path.

MiniStack checks paths before host names: it would answer `/_ministack/reset`, `/v2/…/blobs/uploads/`, `/health` or
`/logout` under every host name, even to a script of the site itself. Requests to a site bypass these paths.
"""

from __future__ import annotations

import contextvars
from http import HTTPStatus
from typing import Any

from ministack import app as gateway

from localcloud.asgi import Application, Message, Receive, Send
from localcloud.elbv2 import sockets

SYMBOLS: tuple[str, ...] = (
    "ministack.app:_handle_alb_request",
    "ministack.app:_handle_cloudfront_dataplane_request",
    "ministack.app:_handle_execute_api_request",
    "ministack.app:_handle_lambda_url_request",
    "ministack.app:_handle_post_body_shortcuts",
    "ministack.app:_handle_pre_body_request",
    "ministack.app:_handle_special_data_plane_request",
    "ministack.app:_with_data_plane_headers",
)

_serving: contextvars.ContextVar[bool] = contextvars.ContextVar("localcloud_serving_site", default=False)
#: MiniStack answers this path before the functions replaced here, so a site cannot have it.
_RESERVED = "/_ministack/rds/iam-auth"


def application() -> Application:
    """Returns the application for requests to sites, without the local cloud's own paths."""
    original = sockets.around(gateway.app)

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        mark = _serving.set(True)
        try:
            await original({**scope, "path": "/"} if scope["path"] == _RESERVED else scope, receive, send)
        finally:
            _serving.reset(mark)

    return serve


def _unless_serving(original: Any) -> Any:
    async def handle(*arguments: Any, **named: Any) -> Any:
        return None if _serving.get() else await original(*arguments, **named)

    return handle


def _by_host(original: Any) -> Any:
    async def handle(  # noqa: PLR0917 - the signature of the replaced function
        method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str, **more: Any
    ) -> Any:
        if not _serving.get():
            return await original(method, path, headers, body, query, request_id, **more)
        host, raw_query = headers.get("host", ""), more.get("raw_query_string", "")
        raw_path = path if more.get("raw_path") is None else more["raw_path"]
        found = (
            await gateway._handle_cloudfront_dataplane_request(
                host, path, raw_path, raw_query, method, headers, body, query, more.get("client_ip", "127.0.0.1")
            )
            or await gateway._handle_execute_api_request(
                host, path, method, headers, body, query, raw_path=raw_path, raw_query_string=raw_query
            )
            or await gateway._handle_lambda_url_request(host, path, method, headers, body, query)
            or await gateway._handle_alb_request(host, path, method, headers, body, query, raw_query, raw_path)
        )
        return found or (HTTPStatus.NOT_FOUND, {"Content-Type": "text/plain"}, b"this site does not exist\n")

    return handle


def install() -> None:
    """Check the host name before the path for requests to sites."""
    gateway._handle_pre_body_request = _unless_serving(gateway._handle_pre_body_request)
    gateway._handle_post_body_shortcuts = _unless_serving(gateway._handle_post_body_shortcuts)
    gateway._handle_special_data_plane_request = _by_host(gateway._handle_special_data_plane_request)
