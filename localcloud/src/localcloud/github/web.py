"""A request and its answer, as the API and the pages see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    """Below the root, decoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    root: str
    """The address this GitHub was asked at, as `http://github.localhost:4701` or `http://127.0.0.1:4701/_github`."""
    trusted: bool
    """A program on this machine asks, rather than a container."""


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer of the API."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def as_text(status: int, content: str) -> Reply:
    """An answer that git prints to its user."""
    return Reply(status, content.encode("utf-8", "replace"), {"Content-Type": "text/plain; charset=utf-8"})


def to(address: str) -> Reply:
    """A redirection after a form was sent."""
    return Reply(HTTPStatus.SEE_OTHER, b"", {"Location": address})
