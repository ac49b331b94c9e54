"""The guard in front of the local cloud: it refuses requests of web pages and requests to foreign host names.

A web page of any origin can send requests to loopback. The guard answers 403, with the reason in one line, as follows:

* The AWS API and MiniStack's own paths refuse every request that a web page caused, whatever its origin. S3 accepts
  those that a bucket's CORS configuration allows, and presigned downloads.
* The console and the pages of the local GitHub accept their own forms, and links from other pages.
* A request to a product's site always reaches the product, and never a path of the local cloud.
* A `Host` that does not belong to this machine is refused (DNS rebinding), and so is an ambiguous request.
* Administrative paths (`/_ministack/reset`, `/_localcloud/faults`, …) require a signature with the root key.

No response permits access to other origins (CORS), unless it comes from a site or the bucket's configuration.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from localcloud.asgi import Application, Message, Receive, Send, body_of, refuse_socket, send_answer
from localcloud.guard import places, signatures, sites
from localcloud.guard.head import Head, RefusedError, parse
from localcloud.iam.root import from_container

SYMBOLS: tuple[str, ...] = (*places.SYMBOLS, *signatures.SYMBOLS, *sites.SYMBOLS)

_LIMIT = 1_000_000  # bytes of a body whose signature is checked
logger = logging.getLogger("localcloud")


def around(application: Application) -> Application:
    """Returns the application behind the guard, which must be the outermost one."""
    site = sites.application()

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await application(scope, receive, send)
            return
        try:
            head = parse(scope)
            places.require_known(head)
            from_container.set(head.container)
            if places.is_site(head):
                await site(scope, receive, send)
            else:
                await _serve(application, head, scope, receive, send)
        except RefusedError as error:
            await _refuse(scope, receive, send, str(error))

    return guarded


async def _serve(application: Application, head: Head, scope: Message, receive: Receive, send: Send) -> None:
    address = places.address_of_site(head)
    if address:
        await send_answer(send, scope, HTTPStatus.TEMPORARY_REDIRECT, {"Location": address}, b"")
        return
    if places.has_pages(head):
        if not head.from_own_page and not head.navigation:
            raise RefusedError(
                f"a page of another origin cannot use {head.host}{head.path}; open it in a tab of its own"
            )
        await application(scope, receive, send)
        return
    cors_allowed = head.by_page and places.bucket_allows(head)
    if head.by_page and not cors_allowed:
        raise RefusedError("a web page is not a client of the AWS API; programs send no Origin and no Sec-Fetch-Site")
    if places.needs_root(head):
        body = await body_of(receive, _LIMIT)
        signatures.verify(head, body)
        receive = _replay(body, receive)
    await application(scope, receive, _cleaned(send, head, keep_cors=cors_allowed))


def _replay(body: bytes, receive: Receive) -> Receive:
    parts = [body]

    async def replayed() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return await receive()

    return replayed


def _cleaned(send: Send, head: Head, *, keep_cors: bool) -> Send:
    """Removes CORS headers from responses, and sandboxes those that a browser shows.

    An object of a bucket has the same origin as the console: without a sandbox, its scripts could use the console.
    """

    async def clean(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value)
                for name, value in message.get("headers", [])
                if keep_cors or not name.lower().startswith(b"access-control-")
            ]
            if "sec-fetch-mode" in head.headers:
                headers += [(b"content-security-policy", b"sandbox"), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": headers}
        await send(message)

    return clean


async def _refuse(scope: Message, receive: Receive, send: Send, reason: str) -> None:
    logger.warning("refused %s %.200r: %.300s", scope.get("method", "WebSocket"), scope["path"], reason)
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        await refuse_socket(scope, send, HTTPStatus.FORBIDDEN, reason)
        return
    body = f"Refused: {reason}\n".encode("ascii", "replace")
    await send_answer(send, scope, HTTPStatus.FORBIDDEN, {"Content-Type": "text/plain; charset=utf-8"}, body)


def install() -> None:
    """Route requests to sites past MiniStack's own paths; the server calls `around` itself."""
    sites.install()
