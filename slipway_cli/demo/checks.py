"""Checks of the running product, as a visitor uses it: the page, the API, a WebSocket, a task."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.sync.client import connect

from slipway_cli.release.verify import get

_PATIENCE_SECONDS = 30.0


class CheckError(Exception):
    """A check failed; the message has the wrong answer."""


def page(url: str) -> str:
    """Checks that every path a browser may reload returns the page from the site bucket."""
    for path in ("/", "/about"):
        answer = get(url + path)
        if answer.status != HTTPStatus.OK or b'<div id="root"' not in answer.body:
            raise CheckError(f"GET {url}{path}: {answer.status} {answer.body[:200]!r}")
    return "served from the bucket"


def missing(url: str) -> str:
    """Checks that an unknown API path is a 404, not the page."""
    answer = get(url + "/api/v1/no-such-thing/")
    if answer.status != HTTPStatus.NOT_FOUND or b'<div id="root"' in answer.body:
        raise CheckError(f"GET {url}/api/v1/no-such-thing/: {answer.status} {answer.body[:200]!r}")
    return "an API 404 stays a 404"


def websocket(url: str) -> str:
    """Checks that a WebSocket echoes."""
    host = url.removeprefix("http://")
    port = int(host.rpartition(":")[2])
    sent = {"message": "slipway"}
    with (
        socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS) as connection,
        connect(f"ws://{host}/ws/echo/", sock=connection, open_timeout=_PATIENCE_SECONDS) as channel,
    ):
        channel.send(json.dumps(sent))
        reply = channel.recv(timeout=_PATIENCE_SECONDS)
    if "slipway" not in str(reply):
        raise CheckError(f"ws://{host}/ws/echo/ answered {reply!r} to {sent}")
    return "echoes"


def task(url: str) -> str:
    """Checks that a Celery task runs and returns its result."""
    body = json.dumps({"text": "five words make one task"}).encode()
    started = get(url + "/api/v1/tasks/", method="POST", body=body, content_type="application/json")
    if started.status != HTTPStatus.ACCEPTED:
        raise CheckError(f"POST {url}/api/v1/tasks/: {started.status} {started.body[:200]!r}")
    where = f"{url}/api/v1/tasks/{started.json()['id']}/"
    state = _until(lambda: get(where).json(), lambda found: found.get("state") in {"SUCCESS", "FAILURE"})
    if state["state"] != "SUCCESS":
        raise CheckError(f"GET {where}: {state}")
    return f"result {json.dumps(state['result'])}"


CHECKS: dict[str, Callable[[str], str]] = {"page": page, "404": missing, "WebSocket": websocket, "task": task}


def _until(ask: Callable[[], dict[str, Any]], enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not enough(found := ask()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found
