"""A client of an API server of EKS: HTTPS with a token of STS, in the name of the function's role."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import urlencode, urlsplit

from slipway_host.output import Failed

_SECONDS = 30
_TRIES, _PAUSE_SECONDS = 4, 2.0
_TOKEN_SECONDS = 600  # EKS takes a token for 15 minutes
_BUSY = frozenset({429, 500, 502, 503, 504})
APPLY = "application/apply-patch+yaml"  # JSON is YAML, too


class Refused(Exception):  # noqa: N818 - an outcome
    """The API server refuses a request; the message is the server's."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Server:
    """The address of a cluster's API server, and the authority that signs its certificate."""

    endpoint: str
    """Its https:// URL."""
    authority: str
    """The certificate of its authority, in Base64, as DescribeCluster returns it."""


class Api:
    """The API server. `token` returns a new token, as `aws eks get-token` prints it."""

    def __init__(self, server: Server, token: Callable[[], str]) -> None:
        self._server, self._new_token = server, token
        self._token, self._since = "", 0.0
        self._context = ssl.create_default_context(cadata=base64.b64decode(server.authority).decode())
        # Python 3.13 also demands extensions of RFC 5280 that certificates of EKS lack (kubernetes-client/python#2394).
        # The authority and the name are verified as before.
        self._context.verify_flags &= ~ssl.VERIFY_X509_STRICT

    def ask(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None) -> Any:
        """Returns the decoded answer to a request; a PATCH applies the object, as `kubectl apply --server-side` does.

        Raises:
            Refused: if the API server refuses it.
            Failed: if it does not answer in four tries.
        """
        return json.loads(self._asked(method, path, query, body))

    def text(self, path: str, query: dict[str, str]) -> str:
        """Returns an answer that is no JSON, as `ask` does."""
        return self._asked("GET", path, query, None).decode(errors="replace")

    def _asked(self, method: str, path: str, query: dict[str, str] | None, body: Any) -> bytes:
        last = ""
        for number in range(_TRIES):
            if number:
                time.sleep(_PAUSE_SECONDS)
            try:
                status, content = self._once(method, f"{path}?{urlencode(query)}" if query else path, body)
            except (OSError, http.client.HTTPException) as error:
                last = f"{type(error).__name__}: {error}"
                continue
            if status < http.HTTPStatus.BAD_REQUEST:
                return content
            refusal = _refusal(status, content)
            if status not in _BUSY:
                raise refusal
            last = f"{status} {refusal}"
        raise Failed(f"the API server {self._server.endpoint} does not answer: {last}")

    def _once(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        place = urlsplit(self._server.endpoint)
        connection = http.client.HTTPSConnection(
            place.hostname or "", place.port or 443, timeout=_SECONDS, context=self._context
        )
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._fresh()}", "User-Agent": "slipway"}
        if body is not None:
            headers["Content-Type"] = APPLY if method == "PATCH" else "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _fresh(self) -> str:
        if not self._token or time.monotonic() - self._since > _TOKEN_SECONDS:
            self._token, self._since = self._new_token(), time.monotonic()
        return self._token


def _refusal(status: int, content: bytes) -> Refused:
    try:
        known = json.loads(content)
        return Refused(status, str(known.get("reason", "")), str(known.get("message") or known.get("reason")))
    except (ValueError, AttributeError):
        return Refused(status, "", content.decode(errors="replace")[:500] or http.client.responses.get(status, ""))
