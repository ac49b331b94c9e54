"""The console's settings, requests and replies."""

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
    """The settings shared by all requests."""

    clients: Clients
    region: str
    """The region if a request names none."""
    github: str
    """The GitHub server's address."""
    actions: bool
    """True if the pages may approve, reject, retry and stop."""
    every: float
    """Seconds between two requests for a run in progress."""
    account: str = ""
    """The name of the account, shown on each page."""
    now: Callable[[], datetime] = _now
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """Part of every form, so that only a reader of our pages can send one."""
    pipelines: Pipelines = field(init=False)
    builds: Builds = field(init=False)
    logs: Logs = field(init=False)

    def __post_init__(self) -> None:
        """Creates the objects that read from AWS and cache what does not change."""
        object.__setattr__(self, "pipelines", Pipelines(self.clients))
        object.__setattr__(self, "builds", Builds(self.clients))
        object.__setattr__(self, "logs", Logs(self.clients, self.builds))


@dataclass(frozen=True)
class Request:
    """A request of a browser."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers by their names in lower case."""
    body: bytes = b""
    scheme: str = "http"


@dataclass(frozen=True)
class Reply:
    """The reply to a request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(content: Any) -> Reply:
    """Returns a reply for the script."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Reply(HTTPStatus.OK, body, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"})


def as_text(status: int, content: str) -> Reply:
    """Returns a reply of plain text."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return Reply(status, content.encode("utf-8", "replace"), headers)


def to(address: str) -> Reply:
    """Returns a redirect."""
    return Reply(HTTPStatus.SEE_OTHER, b"", {"Location": address})


def at(path: str, **query: str) -> str:
    """Returns an address of the console; empty values of the query are left out."""
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{BASE}{path}" + (f"?{given}" if given else "")


def form(console: Console, request: Request) -> dict[str, str]:
    """Returns the fields of a form that was sent from one of our pages.

    Raises:
        RefusedError: if it was sent from elsewhere, or if the console is read-only.
    """
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    here = f"{request.scheme}://{headers.get('host', '')}"
    fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    ours = site == "same-origin" if site else origin == here
    if not ours or not hmac.compare_digest(fields.get("key", "").encode(), console.key.encode()):
        raise RefusedError("This form was not sent from a page of this console, or the page is out of date: reload it.")
    if not console.actions:
        raise RefusedError(
            "This console is read-only. Start it with --allow-actions to approve, reject, retry or stop."
        )
    return fields
