"""The console as an ASGI application, alone or beside another, for programs on this machine only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import parse_qsl

from localcloud.asgi import (
    Application,
    Message,
    Receive,
    Send,
    TooLargeError,
    body_of,
    headers_of,
    host_name,
    local_client,
    send_answer,
)
from slipway_cli.console.pages import HOME, answer
from slipway_cli.console.web import BASE, Console, Reply, Request, as_text

NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_LIMIT = 100_000

# Not the loop's own threads: this process also answers our requests, perhaps on those threads.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="slipway-console")


def beside(application: Application, console: Console) -> Application:
    """Returns the application with the console added at the paths of AWS's console."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        headers = headers_of(scope) if scope["type"] == "http" else {}
        if headers and answers(scope["path"], headers.get("host", ""), headers, local=local_client(scope)):
            await _serve(console, scope, receive, send)
        else:
            await application(scope, receive, send)

    return wrapped


def alone(console: Console) -> Application:
    """Returns the console as an application of its own."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http" and not _from_here(scope):
            refusal = as_text(HTTPStatus.MISDIRECTED_REQUEST, "Use the host name localhost, on this machine.\n")
            await _send(send, scope, refusal)
        elif scope["type"] == "http":
            await _serve(console, scope, receive, send)

    return application


def answers(path: str, host: str, headers: Mapping[str, str], *, local: bool) -> bool:
    """True if the console answers a request from a program of this machine (`local`) or from a container."""
    # A signed request is for S3, where a bucket may be named like our path.
    signed = headers.get("authorization", "").startswith("AWS")
    ours = path == BASE or path.startswith(f"{BASE}/") or path in HOME
    return ours and local and host_name(host) in NAMES and not signed


def _from_here(scope: Message) -> bool:
    """True for a request from this machine under its own name, so neither another site nor a container reaches us."""
    return host_name(headers_of(scope).get("host", "")) in NAMES and local_client(scope)


async def _serve(console: Console, scope: Message, receive: Receive, send: Send) -> None:
    try:
        body = await body_of(receive, _LIMIT)
    except TooLargeError:
        await _send(send, scope, as_text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too large\n"))
        return
    query = scope.get("query_string", b"").decode("latin-1")
    request = Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(query, keep_blank_values=True, errors="replace")),
        headers=headers_of(scope),
        body=body,
        scheme=scope.get("scheme", "http"),
    )
    await _send(send, scope, await asyncio.get_running_loop().run_in_executor(_threads, answer, console, request))


async def _send(send: Send, scope: Message, reply: Reply) -> None:
    await send_answer(send, scope, reply.status, reply.headers, reply.body)


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
