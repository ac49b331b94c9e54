"""An extension with one page at the path of AWS's console, for the tests of the guard."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.asgi import Application, Message, Receive, Send, headers_of, host_name, local_client, send_answer

PATH = "/codesuite/codepipeline/pipelines"


def answers(path: str, host: str, headers: Mapping[str, str], *, local: bool) -> bool:
    """True for the page's path, when a program of this machine asks under one of its names."""
    signed = headers.get("authorization", "").startswith("AWS")
    return path == PATH and local and host_name(host) in {"localhost", "127.0.0.1"} and not signed


def around(application: Application) -> Application:
    """Returns the application with the page in front of it."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        headers = headers_of(scope) if scope["type"] == "http" else {}
        if headers and answers(scope["path"], headers.get("host", ""), headers, local=local_client(scope)):
            await send_answer(send, scope, 200, {"Content-Type": "text/html"}, b"<title>board</title>")
        else:
            await application(scope, receive, send)

    return wrapped
