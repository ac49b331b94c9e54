"""Helpers for ASGI applications: headers, host names, bodies, responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class TooLargeError(Exception):
    """A request's body exceeds the limit."""


def headers_of(scope: Message) -> dict[str, str]:
    """Returns the headers of a request by their names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def host_name(host: str) -> str:
    """Returns the name in a `Host` header, without the port."""
    return host.rsplit(":", 1)[0].rstrip(".").lower() if not host.endswith("]") else host


def local_client(scope: Message) -> bool:
    """True if a program on this machine sent the request; containers use the unix socket, without a client address."""
    client = scope.get("client") or ("",)
    return client[0] in {"127.0.0.1", "::1"}


async def body_of(receive: Receive, limit: int) -> bytes:
    """Returns the whole body; empty if the client disconnected.

    Raises:
        TooLargeError: if it exceeds the limit.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLargeError
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def refuse_socket(scope: Message, send: Send, status: int, why: str) -> None:
    """Refuses a WebSocket before it is accepted, with an HTTP response if the server supports that."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await send({"type": "websocket.http.response.start", "status": int(status), "headers": []})
        await send({"type": "websocket.http.response.body", "body": why.encode(), "more_body": False})
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": why[:100]})


async def send_answer(send: Send, scope: Message, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Sends a complete response, without the body if the request is HEAD."""
    whole = {**headers, "Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff"}
    encoded = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in whole.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": False})
