"""Verifies the release that a product reports."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from slipway_cli.release.errors import ReleaseError

# Edenco documents 12 tries, 5 seconds apart.
_TRIES = 12
_PAUSE_SECONDS = 5.0
_STATUS = "/api/v1/status/"


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Returns the body as JSON.

        Raises:
            ValueError: if the body is not JSON, or is nested too deeply for Python.
        """
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error


def get(url: str, *, method: str = "GET", body: bytes | None = None, content_type: str | None = None) -> Answer:
    """Sends one request. `*.localhost` is resolved to loopback (RFC 6761), regardless of the system's resolver.

    Raises:
        OSError: if there is no answer.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    connection_type = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    loopback = host == "localhost" or host.endswith(".localhost")
    connection = connection_type("127.0.0.1" if loopback else host, parts.port, timeout=30)
    headers = {"Host": parts.netloc, **({"Content-Type": content_type} if content_type else {})}
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def verify(url: str, version: str, digests: set[str]) -> dict[str, Any]:
    """Waits until the product reports the release, and returns its report.

    Raises:
        ReleaseError: if it never does; with the last answer.
    """
    last = "no answer"
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        try:
            answer = get(url.rstrip("/") + _STATUS)
        except OSError as error:
            last = str(error)
            continue
        if answer.status == http.HTTPStatus.OK:
            report = _report(answer)
            if report.get("version") == version and report.get("image_digest") in digests:
                return report
            last = f"version {report.get('version')}, digest {report.get('image_digest')}: {answer.body[:200]!r}"
        else:
            last = f"HTTP {answer.status}: {answer.body[:200]!r}"
    raise ReleaseError(f"{url}{_STATUS} never reported version {version}; last: {last}")


def _report(answer: Answer) -> dict[str, Any]:
    """Returns the JSON object of a status page; empty if it is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
