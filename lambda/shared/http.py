"""Sends one HTTP request, bounded in time and size; the environment may add host addresses and a certificate."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shared.aws import Unanswered
from shared.parameters import ParameterError
from shared.words import parsed

_TIMEOUT = 10
_LIMIT = 4_000_000
_ADDRESS = re.compile(r"https?://[!-~]+")


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: if it is not JSON.
        """
        return parsed(self.body)


def request(
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = _TIMEOUT,
    limit: int = _LIMIT,
) -> Answer:
    """Sends a request once and returns the response, at most `limit` bytes of its body; redirects are not followed.

    Raises:
        Unanswered: if no server answers. The message names the host only, since webhook URLs are secrets.
        ParameterError: if the URL is not valid.
    """
    try:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
    except ValueError:
        host = ""
    if not host or not _ADDRESS.fullmatch(url):
        raise ParameterError("a URL must begin with http:// or https:// and contain printable ASCII only")
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.sock = _connect(host, port, timeout)
        if secure:
            connection.sock = tls_context().wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers={"Host": parts.netloc, **(headers or {})})
        answer = connection.getresponse()
        found = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read(limit))
    except OSError as error:
        raise Unanswered(f"{host} does not answer: {type(error).__name__}: {error}") from error
    except http.client.HTTPException as error:
        raise Unanswered(f"{host} does not answer with HTTP: {type(error).__name__}") from error
    finally:
        connection.close()


def address(host: str, port: int) -> tuple[str, int]:
    """Returns the address and port to connect to: `RESOLVE` may set them (`host=address[:port],*.suffix=address`).

    Names below localhost are loopback addresses (RFC 6761). In a container that is the container itself, so `RESOLVE`
    names the machine instead.
    """
    for rule in filter(None, os.environ.get("RESOLVE", "").split(",")):
        name, _, target = rule.strip().partition("=")
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            target_host, _, target_port = target.partition(":")
            return target_host, int(target_port or port)
    return ("127.0.0.1" if host.endswith(".localhost") else host), port


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection(address(host, port), timeout)


def tls_context() -> ssl.SSLContext:
    """Returns a context that trusts the system's certificate authorities and the one in `CA_PEM`, if it is set."""
    context = ssl.create_default_context()
    extra = os.environ.get("CA_PEM")
    if extra:
        context.load_verify_locations(cadata=extra)
    return context
