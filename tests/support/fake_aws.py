"""An in-memory AWS for real botocore clients.

Parameter validation, serialization, parsing and retries are the real ones; only the network is replaced.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.parsers import RpcV2CBORParser

Handler = Callable[[dict[str, Any]], dict[str, Any] | str | bytes]


class Refused(Exception):  # noqa: N818 - an answer of AWS, not an error of the tests
    """An error response of AWS, with its code."""

    def __init__(self, code: str, message: str = "refused", status: int = 400) -> None:
        self.code, self.status = code, status
        super().__init__(message)


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        """Yields the body; AWSResponse reads it if botocore does not stream."""
        yield self.read()


class FakeAws:
    """Answers requests by `service.Operation`. A test sets the operations it expects; others fail the test."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def on(self, operation: str, handler: Handler) -> None:
        """Sets the handler of an operation, e.g. `secretsmanager.PutSecretValue`; XML is a text, JSON a dictionary."""
        self.handlers[operation] = handler

    def names(self) -> list[str]:
        """Returns the called operations, in order."""
        return [name for name, _ in self.calls]

    def _answer(self, request: AWSPreparedRequest, event_name: str, **_rest: Any) -> AWSResponse:
        _before_send, service, operation = event_name.split(".")
        json_protocol = "X-Amz-Target" in request.headers
        cbor = "smithy-protocol" in request.headers
        given = _given(request, json_protocol=json_protocol)
        name = f"{service.replace('-', '')}.{operation}"
        self.calls.append((name, given))
        if name not in self.handlers:
            raise AssertionError(f"unexpected call of {name}: {given}")
        try:
            answer = self.handlers[name](given)
            status, content = 200, answer if isinstance(answer, str | bytes) else json.dumps(answer)
        except Refused as refused:
            status, content = refused.status, _error(refused, json_protocol=json_protocol or cbor)
        if cbor:
            headers, body = {"smithy-protocol": "rpc-v2-cbor"}, _cbor(json.loads(content))
            return AWSResponse(request.url, status, headers, _Body(body))
        return AWSResponse(request.url, status, {}, _Body(content if isinstance(content, bytes) else content.encode()))

    @contextmanager
    def installed(self, monkeypatch: Any) -> Iterator[FakeAws]:
        """Makes all clients of boto3's default session use this fake."""
        for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        session = boto3.Session()
        session.events.register("before-send", self._answer)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        yield self


def _given(request: AWSPreparedRequest, *, json_protocol: bool) -> dict[str, Any]:
    """Returns the parameters of a request; for REST requests method, host, path, query, headers and body."""
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    content = body if isinstance(body, bytes) else str(body).encode()
    if "smithy-protocol" in request.headers:
        return _read_cbor(content)
    if json_protocol:
        parsed: dict[str, Any] = json.loads(content)
        return parsed
    if b"Action=" in content:
        return {key: value[0] for key, value in parse_qs(content.decode(), keep_blank_values=True).items()}
    url = urlsplit(request.url)
    headers = {key: value.decode() if isinstance(value, bytes) else value for key, value in request.headers.items()}
    return {
        "method": request.method,
        "host": url.netloc,
        "path": unquote(url.path),
        "query": url.query,
        "headers": headers,
        "body": content,
    }


def _read_cbor(content: bytes) -> dict[str, Any]:
    parser = RpcV2CBORParser()
    found: dict[str, Any] = parser.parse_data_item(parser.get_peekable_stream_from_bytes(content))
    return found


def _cbor(value: Any) -> bytes:
    """Returns a value in CBOR (RFC 8949), which CloudWatch uses, as far as the answers need it."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return b"\x1b" + value.to_bytes(8, "big")
    if isinstance(value, str):
        return b"\x7b" + len(value.encode()).to_bytes(8, "big") + value.encode()
    if isinstance(value, dict):
        return b"\xbf" + b"".join(_cbor(item) for pair in value.items() for item in pair) + b"\xff"
    return b"\x9f" + b"".join(_cbor(item) for item in value) + b"\xff"


def _error(refused: Refused, *, json_protocol: bool) -> str:
    if json_protocol:
        return json.dumps({"__type": refused.code, "message": str(refused)})
    return f"<ErrorResponse><Error><Code>{refused.code}</Code><Message>{refused}</Message></Error></ErrorResponse>"
