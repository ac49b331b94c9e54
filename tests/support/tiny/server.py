"""The service of products/examples/tiny.yaml in tests: it answers 200 at every path."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers every GET."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"tiny")


ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
