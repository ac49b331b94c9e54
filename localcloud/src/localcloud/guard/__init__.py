"""The guard before every service of the local cloud: it refuses web pages and host names of others.

A page of any origin can send requests to loopback. Where it must not, the guard answers 403 with the reason in a line:

* the AWS API and MiniStack's own addresses take no request that a page caused, whatever its origin; S3 takes those that
  a bucket's CORS configuration allows, and presigned downloads;
* the console and the pages of the local GitHub take their own forms, and links from elsewhere;
* the sites of products are the product's: everything passes, and nothing of the cloud's own answers there;
* a `Host` that is not this machine's is refused (DNS rebinding), and so is a request that can be read in two ways;
* what administers the cloud (`/_ministack/reset`, `/_localcloud/faults`, …) needs a signature of the root key.

No answer carries a permission for other origins, unless the site or the bucket gave it.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from localcloud.asgi import Application, Message, Receive, Send, body_of, refuse_socket, send_answer
from localcloud.guard import places, signatures, sites
from localcloud.guard.head import Head, RefusedError, parse
from localcloud.iam.root import from_container

SYMBOLS: tuple[str, ...] = (*places.SYMBOLS, *signatures.SYMBOLS, *sites.SYMBOLS)

_LIMIT = 1_000_000  # bytes of a body that is checked before it is served
logger = logging.getLogger("localcloud")


def around(application: Application) -> Application:
    """The application behind the guard; nothing may be put before it."""
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
    of_bucket = head.by_page and places.bucket_allows(head)
    if head.by_page and not of_bucket:
        raise RefusedError("a web page is not a client of the AWS API; programs send no Origin and no Sec-Fetch-Site")
    if places.needs_root(head):
        body = await body_of(receive, _LIMIT)
        signatures.verify(head, body)
        receive = _again(body, receive)
    await application(scope, receive, _cleaned(send, head, keep_cors=of_bucket))


def _again(body: bytes, receive: Receive) -> Receive:
    parts = [body]

    async def replayed() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return await receive()

    return replayed


def _cleaned(send: Send, head: Head, *, keep_cors: bool) -> Send:
    """Takes permissions for other origins out of answers, and gives pages among them no origin at all.

    An object of a bucket has the console's origin: a script in it could press the console's buttons.
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
    """Lead requests to sites past MiniStack's own addresses; the server puts the guard around the application."""
    sites.install()
