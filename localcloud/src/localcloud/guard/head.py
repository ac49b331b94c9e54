"""The head of a request, parsed so strictly that no later code can interpret it differently."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from localcloud.asgi import Message, local_client

#: The maximum size of all headers, in bytes. Browsers and SDKs send far less: most AWS services refuse more than 8 KB,
#: and a session token with many tags has about 2 KB.
LARGEST = 64 * 1024
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9_.-]*[a-z0-9_])?)\.?(?::(\d{1,5}))?")
_ONCE = ("host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "authorization", "content-length")
_SAME_ORIGIN, _TYPED = "same-origin", "none"  # values of Sec-Fetch-Site: www.w3.org/TR/fetch-metadata


class RefusedError(Exception):
    """The guard refuses a request; the message is the reason, in one line."""


@dataclass(frozen=True)
class Head:
    """The parts of a request that the guard checks."""

    socket: bool
    """The request opens a WebSocket."""
    method: str
    path: str
    raw_path: str
    """The path as it was sent, with percent-encoding."""
    query: str
    host: str
    """The `Host` header in lower case."""
    name: str
    """The name or address in `Host`, without the port and a trailing dot."""
    headers: Mapping[str, str]
    """The headers by their names in lower case."""
    container: bool
    """The request comes from a container, through the unix socket."""

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the query."""
        return parse_qs(self.query, keep_blank_values=True)

    @property
    def site(self) -> str:
        """`Sec-Fetch-Site`; empty if the client is not a browser, or the URL is not trustworthy for the browser."""
        return self.headers.get("sec-fetch-site", "").lower()

    @property
    def by_page(self) -> bool:
        """True if a web page of any origin caused the request; False if a person typed the URL."""
        return "origin" in self.headers or self.site not in {"", _TYPED}

    @property
    def from_own_page(self) -> bool:
        """True if the page that caused the request has the same origin as the request's URL."""
        origin = self.headers.get("origin")
        same = origin is None or origin.lower() == f"http://{self.host}"
        return same and self.site in {"", _TYPED, _SAME_ORIGIN}

    @property
    def navigation(self) -> bool:
        """True if a person followed a link: the tab shows the response, and the page with the link cannot read it."""
        mode, destination = self.headers.get("sec-fetch-mode"), self.headers.get("sec-fetch-dest")
        return self.method in {"GET", "HEAD"} and (mode, destination) == ("navigate", "document")


def parse(scope: Message) -> Head:
    """Parses the head of a request.

    Raises:
        RefusedError: if it is ambiguous, too large, or not addressed to this machine.
    """
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in scope["headers"]]
    size = sum(len(name) + len(value) for name, value in pairs) + len(scope.get("query_string", b""))
    if size > LARGEST:
        raise RefusedError(f"the request's headers and query have {size} bytes; at most {LARGEST} are accepted")
    for name in _ONCE:
        if sum(name == sent for sent, _ in pairs) > 1:
            raise RefusedError(f"the request has several {name} headers")
    headers = dict(pairs)
    path = str(scope["path"])
    if not path.startswith("/"):
        raise RefusedError("the request's target is not a path")
    host = headers.get("host", "").lower()
    found = _HOST.fullmatch(host)
    if found is None:
        raise RefusedError("the request has no valid Host header")
    return Head(
        socket=scope["type"] == "websocket",
        method=str(scope.get("method", "GET")).upper(),
        path=path,
        raw_path=(scope.get("raw_path") or path.encode()).decode("latin-1"),
        query=scope.get("query_string", b"").decode("latin-1"),
        host=host,
        name=found[1],
        headers=headers,
        container=not local_client(scope),
    )
