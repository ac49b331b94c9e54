"""The API server of an EKS cluster, as clients reach it: a token of STS instead of a client certificate.

A token is the signed URL of a GetCallerIdentity. Whoever signed it must have an access entry; the request is then
passed on in the name of that user, with the groups of the entry. What the user may do decides Kubernetes.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from localcloud.kubernetes.api import Access, Json
from localcloud.kubernetes.control_plane import API_HOST

SYMBOLS: tuple[str, ...] = ()

_LARGEST_HEAD = 65_536
_CHUNK = 65_536
_LARGEST_BODY = 2**20
_SECONDS = 30.0
# What a client must not say about itself, and what holds for one connection only.
_DROPPED = ("authorization:", "impersonate-", "x-remote-", "proxy-", "keep-alive:")


@dataclass(frozen=True)
class User:
    """The user and groups that Kubernetes knows a caller by."""

    name: str
    groups: tuple[str, ...]


#: Returns the user of a token; None if it is not valid, or its signer has no access entry.
Authenticate = Callable[[str], User | None]


class Kinds(Protocol):
    """Kinds that the local cloud serves instead of the API server."""

    def serves(self, path: str) -> bool:
        """True if a path belongs to them."""

    def answer(self, user: User, method: str, path: str, body: bytes) -> tuple[int, Json]:
        """Returns status and body of the answer to a request."""


class Door:
    """Serves connections of clients, one request each."""

    def __init__(self, authenticate: Authenticate, access: Callable[[], Access | None], kinds: Kinds) -> None:
        self._authenticate, self._access, self._kinds = authenticate, access, kinds

    def __call__(self, connection: socket.socket) -> None:
        """Serves one connection until it ends."""
        connection.settimeout(_SECONDS)
        head, rest = _head(connection)
        first, *lines = head.split("\r\n")
        token = next((value for name, value in map(_field, lines) if name == "authorization"), "")
        user = self._authenticate(token.removeprefix("Bearer ")) if token.startswith("Bearer ") else None
        access = self._access()
        if user is None or access is None:
            refusal = HTTPStatus.UNAUTHORIZED if access else HTTPStatus.SERVICE_UNAVAILABLE
            connection.sendall(_answer(*status(refusal, refusal.phrase.replace(" ", ""), refusal.phrase)))
            return
        method, target = first.split(" ")[:2]
        path = target.partition("?")[0]
        if self._kinds.serves(path):
            body = _body(connection, lines, rest)
            connection.sendall(_answer(*self._kinds.answer(user, method, path, body)))
            return
        with _connected(access) as upstream:
            upstream.sendall(_rewritten(first, lines, user) + rest)
            connection.settimeout(None)
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


def _body(connection: socket.socket, lines: list[str], rest: bytes) -> bytes:
    """Reads the whole body of a request, whose beginning came with its head."""
    length = next((int(value) for name, value in map(_field, lines) if name == "content-length"), 0)
    while len(rest) < min(length, _LARGEST_BODY):
        chunk = connection.recv(_CHUNK)
        if not chunk:
            raise OSError("no whole request")
        rest += chunk
    return rest[:length]


def status(code: int, reason: str, message: str) -> tuple[int, Json]:
    """Returns the object with which Kubernetes says what became of a request."""
    result = "Success" if code < HTTPStatus.BAD_REQUEST else "Failure"
    thing = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": result, "code": int(code)}
    return code, {**thing, "reason": reason, "message": message}


def _answer(code: int, thing: Json) -> bytes:
    body = json.dumps(thing).encode()
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"HTTP/1.1 {int(code)} {HTTPStatus(code).phrase}\r\n{fields}\r\n\r\n".encode() + body


def _connected(access: Access) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(access.authority))
    context.load_cert_chain(str(access.certificate), str(access.key))
    plain = socket.create_connection((access.host, access.port), _SECONDS)
    return context.wrap_socket(plain, server_hostname=API_HOST)


def _joined(client: socket.socket, server: ssl.SSLSocket) -> None:
    """Passes both directions on until one side has ended. One thread does both: TLS is not for two at a time."""
    while True:
        ready: list[socket.socket] = [server] if server.pending() else select.select([client, server], [], [])[0]
        if server in ready:
            server.settimeout(0)
            try:
                answered = server.recv(_CHUNK)
            except (ssl.SSLWantReadError, BlockingIOError):  # a record of TLS itself
                answered = None
            server.settimeout(_SECONDS)
            if answered is not None:
                if not answered:
                    return
                client.sendall(answered)
        if client in ready:
            asked = client.recv(_CHUNK)
            if not asked:
                return
            server.sendall(asked)
