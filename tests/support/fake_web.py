"""A web server on loopback with the answers and faults that a test sets."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WEB_FAULTS = ("broken", "limited", "closed", "lost")
"""Status 500; status 429; closed before the request is processed; processed, but closed before the answer."""


@dataclass(frozen=True)
class Request:
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


Reply = tuple[int, Any]


class Web:
    """Answers requests with `reply`; each fault is used for one request."""

    def __init__(self, reply: Callable[[Request], Reply]) -> None:
        self.reply = reply
        self.faults: list[str | None] = []
        self.requests: list[Request] = []
        self.url = ""

    def asked(self) -> list[str]:
        """Returns the methods and paths of the requests, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]

    @contextmanager
    def serving(self, certificate: Path | None = None) -> Iterator[Web]:
        """Serves until the block ends; with TLS if there is a certificate."""
        web = self

        class Served(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                headers = {key.lower(): value for key, value in self.headers.items()}
                web._serve(self, Request(self.command, self.path, headers, body))

            do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Logs nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _serve(self, connection: BaseHTTPRequestHandler, request: Request) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "closed":
            return
        status, content = {"broken": (500, {}), "limited": (429, {})}.get(fault or "") or self._reply(request)
        if fault == "lost":
            return
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        connection.send_response(status)
        connection.send_header("Content-Length", str(len(body)))
        connection.end_headers()
        connection.wfile.write(body)

    def _reply(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.reply(request)
