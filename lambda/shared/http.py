"""One HTTP request, bounded in time and size, with addresses and certificates that the environment may add."""

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
    """What an address answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: if it is none.
        """
        return parsed(self.body)


def ask(
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = _TIMEOUT,
) -> Answer:
    """Ask an address once; redirects are answers.

    Raises:
        Unanswered: if nobody answers. The message names the host only: addresses of webhooks are secrets.
        ParameterError: if it is no address.
    """
    try:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
    except ValueError:
        host = ""
    if not host or not _ADDRESS.fullmatch(url):
        raise ParameterError("an address must begin with http:// or https:// and hold printable ASCII only")
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.sock = _connect(host, port, timeout)
        if secure:
            connection.sock = tls_context().wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers={"Host": parts.netloc, **(headers or {})})
        answer = connection.getresponse()
        found = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read(_LIMIT))
    except OSError as error:
        raise Unanswered(f"{host} does not answer: {type(error).__name__}: {error}") from error
    except http.client.HTTPException as error:
        raise Unanswered(f"{host} does not answer as HTTP does: {type(error).__name__}") from error
    finally:
        connection.close()


def address(host: str, port: int) -> tuple[str, int]:
    """Where a host is: as `RESOLVE` says (`host=address[:port],*.suffix=address`), else as the resolver does.

    Names below localhost are loopback by RFC 6761, but in a container that is not the machine they stand for.
    """
    for rule in filter(None, os.environ.get("RESOLVE", "").split(",")):
        name, _, target = rule.strip().partition("=")
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            to, _, to_port = target.partition(":")
            return to, int(to_port or port)
    return ("127.0.0.1" if host.endswith(".localhost") else host), port


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection(address(host, port), timeout)


def tls_context() -> ssl.SSLContext:
    """The system's authorities, and the one of `CA_PEM`, if any."""
    context = ssl.create_default_context()
    extra = os.environ.get("CA_PEM")
    if extra:
        context.load_verify_locations(cadata=extra)
    return context
