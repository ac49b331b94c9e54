"""Serves the local GitHub on the local cloud's port: git, the API and the pages.

Its URL is `http://github.localhost:<port>/`, which git, curl and browsers resolve to this machine. For containers the
path `/_github/` works under every other host name.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
from collections.abc import Callable
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
from localcloud.github import api, pages, pushes, smart_http, tokens
from localcloud.github.hub import Hub, Update
from localcloud.github.web import Reply, Request, as_json, as_text

HOST = "github.localhost"
PREFIX = "/_github"
API = "/api/v3"  # as on GitHub Enterprise Server
HOOK = "/_hook"
_LIMIT = 2_000_000

logger = logging.getLogger("localcloud")

# A thread pool of its own: functions that wait for our responses may occupy the event loop's default threads.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="localcloud-github")


def around(application: Application, find: Callable[[], Hub]) -> Application:
    """Returns an ASGI application that serves GitHub's requests itself and passes on all others."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        root = root_of(headers_of(scope).get("host", ""), scope["path"]) if scope["type"] == "http" else None
        if root is None:
            await application(scope, receive, send)
        else:
            await _serve(find(), root, scope, receive, send)

    return wrapped


def root_of(host: str, path: str) -> str | None:
    """Returns GitHub's path prefix for a request, or None if the request is not for GitHub."""
    if host_name(host) == HOST:
        return ""
    return PREFIX if path == PREFIX or path.startswith(f"{PREFIX}/") else None


def _is_local_name(host: str) -> bool:
    """True for an IP address or a name of this machine: other names could come from DNS rebinding by a web page."""
    name = host_name(host).strip("[]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in {"localhost", "host.docker.internal"} or name.endswith(".localhost")
    return True


async def _serve(hub: Hub, root: str, scope: Message, receive: Receive, send: Send) -> None:
    headers = headers_of(scope)
    path = scope["path"].removeprefix(root) or "/"
    if not _is_local_name(headers.get("host", "")):
        await _send(send, scope, as_text(HTTPStatus.MISDIRECTED_REQUEST, f"Use {hub.url}\n"))
        return
    query = scope.get("query_string", b"").decode("latin-1")
    found = smart_http.ADDRESS.fullmatch(path)
    if found is not None and (found[2] != "info/refs" or "service=" in query):
        await _git(hub, scope, receive, send, (found[1], found[2]))
        return
    try:
        body = await body_of(receive, _LIMIT)
    except TooLargeError:
        await _send(send, scope, as_json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": "Request body too large"}))
        return
    request = Request(
        method=scope["method"],
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True, errors="replace")),
        headers=headers,
        body=body,
        root=f"{scope.get('scheme', 'http')}://{headers.get('host', '')}{root}",
        trusted=local_client(scope),
    )
    await _send(send, scope, await asyncio.get_running_loop().run_in_executor(_threads, answer, hub, request))


def answer(hub: Hub, request: Request) -> Reply:
    """Returns the response of the hook, the API or a page."""
    if request.path == HOOK:
        return _hook(hub, request)
    if request.path == API or request.path.startswith(f"{API}/"):
        return api.answer(hub, request, request.path.removeprefix(API))
    return pages.answer(hub, request)


def _hook(hub: Hub, request: Request) -> Reply:
    if not hmac.compare_digest(request.headers.get("x-localcloud-hook", "").encode(), smart_http.HOOK_KEY.encode()):
        return as_text(HTTPStatus.FORBIDDEN, "only git's hook may use this URL\n")
    push = json.loads(request.body)
    repository = hub.repositories.find(push["repository"])
    if repository is None:
        return as_text(HTTPStatus.NOT_FOUND, f"{push['repository']} does not exist any more\n")
    updates = [Update(**update) for update in push["updates"]]
    lines = pushes.process(hub, repository, push["pusher"], updates)
    return as_text(HTTPStatus.OK, "".join(f"{line}\n" for line in lines))


async def _git(hub: Hub, scope: Message, receive: Receive, send: Send, target: tuple[str, str]) -> None:
    (name, service), headers = target, headers_of(scope)
    query = scope.get("query_string", b"").decode("latin-1")
    repository = hub.repositories.find(name)
    if repository is None:
        known = ", ".join(existing.name for existing in hub.repositories.all()) or "none yet"
        text = f"There is no repository {name} in the local cloud. It has: {known}\n"
        await _send(send, scope, as_text(HTTPStatus.NOT_FOUND, text))
        return
    trusted = local_client(scope)
    if not trusted and "git-receive-pack" in (service, query.rpartition("service=")[2]):
        token = tokens.from_headers(headers)
        trusted = await asyncio.get_running_loop().run_in_executor(
            _threads, tokens.grants_access, hub, repository, token
        )
        if not trusted:
            refused = as_text(HTTPStatus.UNAUTHORIZED, "A container can push only with the repository's token.\n")
            challenge = {**refused.headers, "WWW-Authenticate": 'Basic realm="GitHub"'}
            await _send(send, scope, Reply(refused.status, refused.body, challenge))
            return
    exchange = smart_http.Exchange(
        repository, scope["method"], service, query, headers, tokens.user(headers), trusted, hub.hook_url
    )
    await smart_http.serve(exchange, receive, send)


async def _send(send: Send, scope: Message, reply: Reply) -> None:
    await send_answer(send, scope, reply.status, reply.headers, reply.body)
