"""A registry of images in memory, as the OCI distribution specification describes it, without authentication."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def _send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if found := _BLOB.fullmatch(path):
            content, kind = self.server.blobs.get(found[2]), "application/octet-stream"
        elif found := _MANIFEST.fullmatch(path):
            content, kind = self.server.manifests.get((found[1], found[2]), (None, ""))
        else:
            content, kind = b"{}", "application/json"
        if content is None:
            self._send(404)
            return
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._send(200, content, Content_Type=kind, Docker_Content_Digest=digest, Content_Length=str(len(content)))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.server.uploads += 1
        self._send(202, Location=f"{urlsplit(self.path).path}{self.server.uploads}", Range="0-0")

    def do_PATCH(self) -> None:
        path, content = urlsplit(self.path).path, self._body()
        self.server.parts[path] = self.server.parts.get(path, b"") + content
        self._send(202, Location=path, Range=f"0-{len(self.server.parts[path])}")

    def do_PUT(self) -> None:
        parts, content = urlsplit(self.path), self._body()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if found := _MANIFEST.fullmatch(parts.path):
            for name in (found[2], digest):
                self.server.manifests[found[1], name] = (content, self.headers["Content-Type"])
        else:
            whole = self.server.parts.pop(parts.path, b"") + content
            digest = parse_qs(parts.query)["digest"][0]
            assert digest == f"sha256:{hashlib.sha256(whole).hexdigest()}"
            self.server.blobs[digest] = whole
        self._send(201, Docker_Content_Digest=digest, Location=self.path)


class Registry(ThreadingHTTPServer):
    """The registry; `host` is its name in image URIs. Docker needs no certificate for loopback addresses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[bytes | None, str]] = {}
        self.parts: dict[str, bytes] = {}
        self.uploads = 0

    @property
    def host(self) -> str:
        """Host name and port."""
        return f"127.0.0.1:{self.server_address[1]}"


@contextmanager
def registry() -> Iterator[Registry]:
    """Runs a registry."""
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
