"""The API server of an EKS cluster, as clients reach it: a token of STS instead of a client certificate.

A token is the signed URL of a GetCallerIdentity. Whoever signed it must have an access entry; the request is then
passed on in the name of that user, with the groups of the entry. What the user may do decides Kubernetes.
"""

from __future__ import annotations

import http.client
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.kubernetes.api import Access
from localcloud.kubernetes.control_plane import API_HOST

SYMBOLS: tuple[str, ...] = ()

_LARGEST_HEAD = 65_536
_CHUNK = 65_536
_SECONDS = 30.0
# What a client must not say about itself, and what holds for one connection only.
_DROPPED = ("authorization:", "impersonate-", "x-remote-", "proxy-", "keep-alive:")
logger = logging.getLogger("localcloud")


@dataclass(frozen=True)
class User:
    """Who asks, as Kubernetes knows them."""

    name: str
    groups: tuple[str, ...]


#: Returns the user of a token; None if it is not valid, or its signer has no access entry.
Authenticate = Callable[[str], User | None]


class Door:
    """Serves connections of clients, one request each."""

    def __init__(self, authenticate: Authenticate, access: Callable[[], Access | None]) -> None:
        self._authenticate, self._access = authenticate, access

    def __call__(self, connection: socket.socket) -> None:
        """Serves one connection until it ends."""
        connection.settimeout(_SECONDS)
        head, rest = _head(connection)
        first, *lines = head.split("\r\n")
        token = next((value for name, value in map(_field, lines) if name == "authorization"), "")
        user = self._authenticate(token.removeprefix("Bearer ")) if token.startswith("Bearer ") else None
        access = self._access()
        if user is None or access is None:
            connection.sendall(_refusal(401, "Unauthorized") if access else _refusal(503, "ServiceUnavailable"))
            return
        with _connected(access) as upstream:
            upstream.sendall(_rewritten(first, lines, user) + rest)
            connection.settimeout(None)
            upstream.settimeout(None)
            _joined(connection, upstream)


def _head(connection: socket.socket) -> tuple[str, bytes]:
    """Reads the head of a request; returns it, and what came after it."""
    read = b""
    while b"\r\n\r\n" not in read:
        chunk = connection.recv(_CHUNK)
        if not chunk or len(read) > _LARGEST_HEAD:
            raise OSError("no whole request")
        read += chunk
    head, _, rest = read.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _rewritten(first: str, lines: list[str], user: User) -> bytes:
    """Returns the head as the API server gets it: in the user's name, one request per connection."""
    upgraded = any(_field(line)[0] == "upgrade" for line in lines)
    dropped = (*_DROPPED, *(() if upgraded else ("connection:",)))
    kept = [line for line in lines if not line.lower().startswith(dropped)]
    own = [f"Impersonate-User: {user.name}", *(f"Impersonate-Group: {group}" for group in user.groups)]
    closing = [] if upgraded else ["Connection: close"]
    return "\r\n".join([first, *kept, *own, *closing, "", ""]).encode("latin-1")


def _refusal(status: int, reason: str) -> bytes:
    body = json.dumps(
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": status}
    ).encode()
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"HTTP/1.1 {status} {http.client.responses[status]}\r\n{fields}\r\n\r\n".encode() + body


def _connected(access: Access) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(access.authority))
    context.load_cert_chain(str(access.certificate), str(access.key))
    plain = socket.create_connection((access.host, access.port), _SECONDS)
    return context.wrap_socket(plain, server_hostname=API_HOST)


def _joined(client: socket.socket, server: socket.socket) -> None:
    """Passes both directions on until the server has answered, or the client has gone."""
    other = threading.Thread(target=_pumped, args=(client, server), daemon=True, name="localcloud-eks-door")
    other.start()
    _pumped(server, client)
    for end in (server, client):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            logger.debug("door: %s", error)
    other.join(_SECONDS)


def _pumped(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    except OSError as error:
        logger.debug("door: %s", error)
