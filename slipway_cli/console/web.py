"""A request to the console and its answer, and what the console is told once: whom it asks, and what it may do."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from slipway_cli.console.aws import Clients, Pipelines, RefusedError
from slipway_cli.console.builds import Builds
from slipway_cli.console.logs import Logs

BASE = "/codesuite/codepipeline/pipelines"  # the path of AWS's own console


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Console:
    """What all requests share."""

    clients: Clients
    region: str
    """Where nobody names one."""
    github: str
    """The address that repositories, commits and releases are below."""
    actions: bool
    """Whether it may approve, retry and stop."""
    every: float
    """Seconds between two looks at a run in progress."""
    account: str = ""
    """Whose pipelines these are, for people."""
    now: Callable[[], datetime] = _now
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """Stands in every form: who cannot read our pages cannot send one."""
    pipelines: Pipelines = field(init=False)
    builds: Builds = field(init=False)
    logs: Logs = field(init=False)

    def __post_init__(self) -> None:
        """What asks AWS keeps what does not change."""
        object.__setattr__(self, "pipelines", Pipelines(self.clients))
        object.__setattr__(self, "builds", Builds(self.clients))
        object.__setattr__(self, "logs", Logs(self.clients, self.builds))


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""
    body: bytes = b""
    scheme: str = "http"


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(content: Any) -> Reply:
    """An answer for the script."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Reply(HTTPStatus.OK, body, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"})


def as_text(status: int, content: str) -> Reply:
    """Plain text."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return Reply(status, content.encode("utf-8", "replace"), headers)


def to(address: str) -> Reply:
    """A redirection."""
    return Reply(HTTPStatus.SEE_OTHER, b"", {"Location": address})


def at(path: str, **query: str) -> str:
    """An address below ours; a query's empty values are left out."""
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{BASE}{path}" + (f"?{given}" if given else "")


def form(console: Console, request: Request) -> dict[str, str]:
    """A form's fields, if it was sent from one of our pages.

    Raises:
        RefusedError: if it was not, or if nothing may be done here.
    """
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    here = f"{request.scheme}://{headers.get('host', '')}"
    fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    ours = site == "same-origin" if site else origin == here
    if not ours or not hmac.compare_digest(fields.get("key", "").encode(), console.key.encode()):
        raise RefusedError("This form was not sent from a page of this console, or the page is too old: load it again.")
    if not console.actions:
        raise RefusedError("This console only looks. Start it with --allow-actions to approve, retry or stop.")
    return fields
