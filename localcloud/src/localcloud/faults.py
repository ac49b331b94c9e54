"""AWS on a bad day: answers that throttle, fail or have no room, put before the local cloud's own for a drill.

    PUT /_localcloud/faults   [{"service": "s3", "method": "PUT", "path": "/bucket", "answer": "full", "every": 1}]
    GET /_localcloud/faults   the same, with how often each was given: "given"

A list replaces the one before; an empty one ends all faults. The guard requires a signature of the root key. The
cloud's own internal calls are never disturbed: faults apply only to requests from clients.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from localcloud import settings
from localcloud.asgi import Application, Message, Receive, Send, body_of, headers_of, host_name, send_answer

SYMBOLS: tuple[str, ...] = ()

PATH = "/_localcloud/faults"
#: What each answer means: HTTP status, code, message. A client retries the first two by itself.
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
_SCOPE = re.compile(r"Credential=[^/,\s]+/\d{8}/[^/,\s]+/([a-z0-9-]+)/aws4_request")
_QUERY = ("cloudformation", "rds", "elasticache", "iam", "sts", "sns", "elasticloadbalancing", "cloudfront")
_XML = {
    **dict.fromkeys(_QUERY, "<ErrorResponse>{}</ErrorResponse>"),
    "s3": "{}",
    "ec2": "<Response><Errors>{}</Errors></Response>",
}
_LIMIT = 100_000


@dataclass
class Fault:
    """One kind of bad answer."""

    service: str
    answer: str
    method: str = ""
    path: str = ""
    every: int = 1
    """Every how many-th request is answered so: a client that retries gets through where this is 2 or more."""
    token: str = field(default="", repr=False)
    """Only requests with it, so that a new one is the way back; never told to anybody."""
    seen: int = 0
    given: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Fault:
        """Of what somebody sent.

        Raises:
            ValueError: saying what to send instead.
        """
        unknown = set(asked) - {"service", "answer", "method", "path", "every", "token"}
        if unknown:
            known = "service, answer, method, path, every, token"
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; a fault has {known}")
        service, answer, every = asked.get("service"), asked.get("answer"), asked.get("every", 1)
        if not isinstance(service, str) or not service:
            raise ValueError(
                f"service is {service!r}; write the name in the signature's scope, e.g. ecs, * for all, or github"
            )
        if answer not in ANSWERS:
            raise ValueError(f"answer is {answer!r}; write one of {', '.join(ANSWERS)}")
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise ValueError(f"every is {every!r}; write 1 for each request, 2 for every second one")
        method, path, token = (str(asked.get(name, "")) for name in ("method", "path", "token"))
        return cls(service, answer, method, path, every, token)

    def meets(self, service: str, method: str, path: str, authorization: str) -> bool:
        """Whether a request gets this answer."""
        named = self.service == service or (self.service == "*" and service != GITHUB)
        if not named or self.method not in {"", method} or not path.startswith(self.path):
            return False
        if self.token not in authorization:
            return False
        with self._lock:
            self.seen += 1
            hit = self.seen % self.every == 0
            self.given += hit
        return hit

    def told(self) -> dict[str, Any]:
        """For whoever asks."""
        asked = {"service": self.service, "answer": self.answer, "method": self.method, "path": self.path}
        return {**asked, "every": self.every, "given": self.given}


_faults: list[Fault] = []


def service_of(headers: Mapping[str, str], path: str) -> str:
    """The service a request is for, by its signature, or GitHub; empty for all else, such as a page of a site."""
    if path.startswith("/_github/") or host_name(headers.get("host", "")) == "github.localhost":
        return GITHUB
    found = _SCOPE.search(headers.get("authorization", ""))
    return found[1] if found else ""


def around(application: Application) -> Application:
    """The application, behind whatever faults are set."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        headers = headers_of(scope)
        if scope["path"] == PATH:
            await _answer_operator(scope, receive, send)
            return
        fault = None
        if _faults and settings.INNER not in headers.get("user-agent", ""):
            service, authorization = service_of(headers, scope["path"]), headers.get("authorization", "")
            asked = (service, scope["method"], scope["path"], authorization)
            fault = next((it for it in _faults if it.meets(*asked)), None) if service else None
        if fault is None:
            await application(scope, receive, send)
        else:
            await _fail(scope, send, service, fault)

    return wrapped


async def _fail(scope: Message, send: Send, service: str, fault: Fault) -> None:
    status, code, message = ANSWERS[fault.answer]
    if service == "s3" and fault.answer == "throttle":
        status, code = HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown"
    if service in _XML:
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = _XML[service].format(error)
        kind = "text/xml"
    else:
        body, kind = json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1"
    await send_answer(send, scope, status, {"Content-Type": kind, "x-amzn-ErrorType": code}, body.encode())


def _list(sent: Any) -> list[dict[str, Any]]:
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise ValueError("send a list of faults; [] ends all")
    return sent


async def _answer_operator(scope: Message, receive: Receive, send: Send) -> None:
    if scope["method"] == "PUT":
        try:
            asked = _list(json.loads(await body_of(receive, _LIMIT)))
            told = [each.told() for each in _faults]
            _faults[:] = [Fault.of(each) for each in asked]
        except ValueError as error:
            await _say(scope, send, HTTPStatus.BAD_REQUEST, {"message": str(error)})
            return
        await _say(scope, send, HTTPStatus.OK, told)
    elif scope["method"] == "GET":
        await _say(scope, send, HTTPStatus.OK, [each.told() for each in _faults])
    else:
        await _say(scope, send, HTTPStatus.METHOD_NOT_ALLOWED, {"message": "GET or PUT"})


async def _say(scope: Message, send: Send, status: int, content: Any) -> None:
    await send_answer(send, scope, status, {"Content-Type": "application/json"}, json.dumps(content).encode())


def install() -> None:
    """Nothing of MiniStack is changed; the server wraps the application itself."""
