"""Fault injection for drills: requests get errors such as throttling, outages or full storage.

    PUT /_localcloud/faults   [{"service": "s3", "method": "PUT", "path": "/bucket", "answer": "full", "every": 1}]
    GET /_localcloud/faults   returns the faults, each with the number of injected errors: "given"

A list replaces the previous one; an empty list ends all faults. The guard requires a signature with the root key.
Faults apply only to requests from clients, and never to the cloud's own internal calls.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from localcloud import settings, wire_errors
from localcloud.asgi import Application, Message, Receive, Send, body_of, headers_of, host_name, send_answer

SYMBOLS: tuple[str, ...] = ()

PATH = "/_localcloud/faults"
#: HTTP status, error code and message of each answer. SDKs retry the first two on their own.
ANSWERS: dict[str, tuple[int, str, str]] = {
    "throttle": (HTTPStatus.BAD_REQUEST, "ThrottlingException", "Rate exceeded (a drill of the local cloud)"),
    "down": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        "Service is unavailable (a drill of the local cloud)",
    ),
    "full": (HTTPStatus.INSUFFICIENT_STORAGE, "InsufficientStorage", "No space is left (a drill of the local cloud)"),
    "expired": (HTTPStatus.UNAUTHORIZED, "ExpiredTokenException", "Bad credentials (a drill of the local cloud)"),
}
GITHUB = "github"
_LIMIT = 100_000


@dataclass
class Fault:
    """One injected error, and the requests that get it."""

    service: str
    answer: str
    method: str = ""
    path: str = ""
    every: int = 1
    """Every n-th matching request gets the error; with 2 or more, a client's retry succeeds."""
    token: str = field(default="", repr=False)
    """Only requests with this token get the error, so that a new token ends it; it is never returned."""
    seen: int = 0
    given: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def parse(cls, sent: Mapping[str, Any]) -> Fault:
        """Returns the fault that a JSON object describes.

        Raises:
            ValueError: if it is invalid; the message explains what to send instead.
        """
        unknown = set(sent) - {"service", "answer", "method", "path", "every", "token"}
        if unknown:
            known = "service, answer, method, path, every, token"
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; a fault has {known}")
        service, answer, every = sent.get("service"), sent.get("answer"), sent.get("every", 1)
        if not isinstance(service, str) or not service:
            raise ValueError(
                f"service is {service!r}; write the name in the signature's scope, e.g. ecs, * for all, or github"
            )
        if answer not in ANSWERS:
            raise ValueError(f"answer is {answer!r}; write one of {', '.join(ANSWERS)}")
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise ValueError(f"every is {every!r}; write 1 for each request, 2 for every second one")
        method, path, token = (str(sent.get(name, "")) for name in ("method", "path", "token"))
        return cls(service, answer, method, path, every, token)

    def applies(self, service: str, method: str, path: str, authorization: str) -> bool:
        """Counts a matching request; True if it gets the error."""
        matches = self.service == service or (self.service == "*" and service != GITHUB)
        if not matches or self.method not in {"", method} or not path.startswith(self.path):
            return False
        if self.token not in authorization:
            return False
        with self._lock:
            self.seen += 1
            hit = self.seen % self.every == 0
            self.given += hit
        return hit

    def as_json(self) -> dict[str, Any]:
        """Returns the fault as a JSON object, without the token."""
        request = {"service": self.service, "method": self.method, "path": self.path}
        return {**request, "answer": self.answer, "every": self.every, "given": self.given}


_faults: list[Fault] = []


def service_of(headers: Mapping[str, str], path: str) -> str:
    """Returns the service in the request's signature, or GitHub; empty for other requests, such as those to a site."""
    if path.startswith("/_github/") or host_name(headers.get("host", "")) == "github.localhost":
        return GITHUB
    return wire_errors.service_of(headers)


def around(application: Application) -> Application:
    """Returns the application with fault injection."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        headers = headers_of(scope)
        if scope["path"] == PATH:
            await _configure(scope, receive, send)
            return
        fault = None
        if _faults and settings.INNER not in headers.get("user-agent", ""):
            service, authorization = service_of(headers, scope["path"]), headers.get("authorization", "")
            request = (service, scope["method"], scope["path"], authorization)
            fault = next((known for known in _faults if known.applies(*request)), None) if service else None
        if fault is None:
            await application(scope, receive, send)
        else:
            await _fail(scope, send, service, fault)

    return wrapped


async def _fail(scope: Message, send: Send, service: str, fault: Fault) -> None:
    status, code, message = ANSWERS[fault.answer]
    if service == "s3" and fault.answer == "throttle":
        status, code = HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown"
    await send_answer(send, scope, status, *wire_errors.rendered(service, code, message))


def _list(sent: Any) -> list[dict[str, Any]]:
    if not isinstance(sent, list) or not all(isinstance(element, dict) for element in sent):
        raise ValueError("send a list of faults; [] ends all")
    return sent


async def _configure(scope: Message, receive: Receive, send: Send) -> None:
    if scope["method"] == "PUT":
        try:
            sent = _list(json.loads(await body_of(receive, _LIMIT)))
            replaced = [fault.as_json() for fault in _faults]
            _faults[:] = [Fault.parse(element) for element in sent]
        except ValueError as error:
            await _send_json(scope, send, HTTPStatus.BAD_REQUEST, {"message": str(error)})
            return
        await _send_json(scope, send, HTTPStatus.OK, replaced)
    elif scope["method"] == "GET":
        await _send_json(scope, send, HTTPStatus.OK, [fault.as_json() for fault in _faults])
    else:
        await _send_json(scope, send, HTTPStatus.METHOD_NOT_ALLOWED, {"message": "GET or PUT"})


async def _send_json(scope: Message, send: Send, status: int, content: Any) -> None:
    await send_answer(send, scope, status, {"Content-Type": "application/json"}, json.dumps(content).encode())


def install() -> None:
    """Do nothing: the server calls `around` itself."""
