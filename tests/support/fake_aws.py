"""AWS behind the wire: real botocore clients, whose requests are answered in memory.

Parameter validation, serialisation, parsing and retries are the real ones; only the network is not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

Handler = Callable[[dict[str, Any]], dict[str, Any] | str]


class Refused(Exception):  # noqa: N818 - it is AWS's answer, not an error of ours
    """An error that AWS answers, by its code."""

    def __init__(self, code: str, message: str = "refused", status: int = 400) -> None:
        self.code, self.status = code, status
        super().__init__(message)


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """What AWSResponse reads."""
        yield self._content


class FakeAws:
    """Answers by `service.Operation`; a test fills in the operations it expects, others fail the test."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def on(self, operation: str, handler: Handler) -> None:
        """Answer an operation, e.g. `secretsmanager.PutSecretValue`; XML as text, JSON as a dictionary."""
        self.handlers[operation] = handler

    def names(self) -> list[str]:
        """The operations called, in order."""
        return [name for name, _ in self.calls]

    def _answer(self, request: AWSPreparedRequest, event_name: str, **_rest: Any) -> AWSResponse:
        _before_send, service, operation = event_name.split(".")
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        json_protocol = "X-Amz-Target" in request.headers
        given: dict[str, Any] = (
            json.loads(body) if json_protocol else {key: value[0] for key, value in parse_qs(body).items()}
        )
        name = f"{service.replace('-', '')}.{operation}"
        self.calls.append((name, given))
        if name not in self.handlers:
            raise AssertionError(f"unexpected call of {name}: {given}")
        try:
            answer = self.handlers[name](given)
            status, content = 200, answer if isinstance(answer, str) else json.dumps(answer)
        except Refused as refused:
            status, content = refused.status, _error(refused, json_protocol=json_protocol)
        return AWSResponse(request.url, status, {}, _Body(content.encode()))

    @contextmanager
    def installed(self, monkeypatch: Any) -> Iterator[FakeAws]:
        """Make every client of boto3's default session talk to this."""
        for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        session = boto3.Session()
        session.events.register("before-send", self._answer)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        yield self


def _error(refused: Refused, *, json_protocol: bool) -> str:
    if json_protocol:
        return json.dumps({"__type": refused.code, "message": str(refused)})
    return f"<ErrorResponse><Error><Code>{refused.code}</Code><Message>{refused}</Message></Error></ErrorResponse>"
