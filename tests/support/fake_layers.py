"""The storage of layers in a registry, as a server that answers ranges."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def digest_of(content: bytes) -> str:
    """Returns the digest of a layer or manifest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Storage:
    """The server of layers, which answers ranges as S3 does."""

    def __init__(self, stored: Mapping[str, bytes]) -> None:
        self.stored = stored
        """The content of each layer by its digest."""
        self.statuses: list[int] = []
        """Statuses of the next answers, instead of the content."""
        self.url = ""

    def serve(self) -> ThreadingHTTPServer:
        """Serve until it is shut down; `url` is its address."""
        storage = self

        class Served(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer a range."""
                content = storage.stored[self.path.removeprefix("/")]
                first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
                part = content[first : last + 1]
                status = storage.statuses.pop(0) if storage.statuses else 206
                self.send_response(status)
                self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                self.wfile.write(part)

            def log_message(self, *_: object) -> None:
                """Logs nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server
