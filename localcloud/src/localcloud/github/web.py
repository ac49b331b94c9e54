"""HTTP requests and responses of the API and the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Request:
    """An HTTP request."""

    method: str
    path: str
    """The path below the root, decoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """The headers by their names in lower case."""
    body: bytes
    root: str
    """GitHub's base URL in the request: `http://github.localhost:4701` or `http://127.0.0.1:4701/_github`."""
    trusted: bool
    """True if a program on this machine sent the request, and not a container."""


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Returns a JSON response."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def as_text(status: int, content: str) -> Reply:
    """Returns a plain text response, which git prints to its user."""
    return Reply(status, content.encode("utf-8", "replace"), {"Content-Type": "text/plain; charset=utf-8"})


def see_other(address: str) -> Reply:
    """Returns a redirect, the response to a form."""
    return Reply(HTTPStatus.SEE_OTHER, b"", {"Location": address})
