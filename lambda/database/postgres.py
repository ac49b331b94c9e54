"""A small PostgreSQL client for administrative statements: TLS, SCRAM-SHA-256 and simple queries.

It exists because a driver would be the only dependency of any handler (docs/adr/0017). Message formats:
postgresql.org/docs/current/protocol-message-formats.html. SCRAM-SHA-256: RFC 5802 and RFC 7677.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from shared.http import tls_context

_TLS_REQUEST = struct.pack("!ii", 8, 80877103)
_PROTOCOL = 196608  # 3.0
_ITERATIONS = 4096  # PostgreSQL's own default, scram_iterations
_MOST_ITERATIONS = 1_000_000
_LARGEST_MESSAGE = 16_000_000
_OK, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 10, 11, 12

Row = tuple[str | None, ...]


class DatabaseError(Exception):
    """The server refused a request, or did not follow PostgreSQL's protocol."""


@dataclass(frozen=True)
class Login:
    """A user with its password, and the database to connect to."""

    host: str
    port: int
    database: str
    user: str
    password: str


class Connection:
    """A connection over TLS, whose server certificate is verified. Use it in a `with` statement."""

    def __init__(self, login: Login, timeout: float = 20) -> None:
        """Connects and logs in.

        Raises:
            OSError: if the server does not answer, or its certificate is not valid for the host.
            DatabaseError: if the server refuses the login.
        """
        plain = socket.create_connection((login.host, login.port), timeout)
        try:
            self._socket = _encrypt(plain, login.host)
            self._file = self._socket.makefile("rb")
            self._log_in(login)
        except BaseException:
            plain.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()

    def query(self, statement: str) -> list[Row]:
        """Runs one statement and returns its rows, whose values are PostgreSQL's text form.

        Raises:
            DatabaseError: if the server refuses the statement; the message is the server's.
        """
        if "\0" in statement:
            raise DatabaseError("a statement must not contain a NUL character")
        self._send(b"Q", statement.encode() + b"\0")
        rows: list[Row] = []
        refused = ""
        while True:
            kind, body = self._receive()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                refused = _message(body)
            elif kind == b"Z":
                if refused:
                    raise DatabaseError(refused)
                return rows

    def _log_in(self, login: Login) -> None:
        settings = {"user": login.user, "database": login.database, "application_name": "slipway"}
        pairs = b"".join(key.encode() + b"\0" + value.encode() + b"\0" for key, value in settings.items())
        body = struct.pack("!i", _PROTOCOL) + pairs + b"\0"
        self._socket.sendall(struct.pack("!i", len(body) + 4) + body)
        exchange = Scram(login.password)
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise DatabaseError(_message(body))
            if kind == b"R":
                self._authenticate(exchange, body)
            if kind == b"Z":
                if not exchange.verified:
                    raise DatabaseError("the server asked for no password, so it may not be the database")
                return

    def _authenticate(self, exchange: Scram, body: bytes) -> None:
        code, rest = struct.unpack("!i", body[:4])[0], body[4:]
        if code == _SASL and b"SCRAM-SHA-256" in rest.split(b"\0"):
            first = exchange.first().encode()
            self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif code == _SASL_CONTINUE:
            self._send(b"p", exchange.final(rest.decode()).encode())
        elif code == _SASL_FINAL:
            exchange.verify(rest.decode())
        elif code != _OK:
            raise DatabaseError("the server offers no SCRAM-SHA-256: set password_encryption to it, then the password")

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        head = self._file.read(5)
        if len(head) < 5:  # noqa: PLR2004 - one byte for the type, four for the length
            raise DatabaseError("the server closed the connection")
        length = struct.unpack("!i", head[1:])[0] - 4
        if not 0 <= length <= _LARGEST_MESSAGE:
            raise DatabaseError(f"the server sent a message of {length} bytes, which PostgreSQL never does")
        body = self._file.read(length)
        if len(body) < length:
            raise DatabaseError("the server closed the connection within a message")
        return head[:1], body


class Scram:
    """A SCRAM-SHA-256 exchange, without channel binding."""

    def __init__(self, password: str, nonce: str | None = None) -> None:
        self.verified = False
        self._password = password.encode()
        self._first = f"n=,r={nonce or secrets.token_urlsafe(24)}"  # PostgreSQL uses the user of the startup message
        self._signature = b""

    def first(self) -> str:
        """Returns the client's first message."""
        return f"n,,{self._first}"

    def final(self, challenge: str) -> str:
        """Returns the client's final message, which proves that it knows the password.

        Raises:
            DatabaseError: if the challenge does not belong to the first message.
        """
        try:
            fields = dict(part.split("=", 1) for part in challenge.split(","))
            nonce, salt, count = fields["r"], base64.b64decode(fields["s"]), int(fields["i"])
        except (KeyError, ValueError) as error:
            raise DatabaseError("the server's challenge is not one of SCRAM-SHA-256") from error
        if not nonce.startswith(self._first.removeprefix("n=,r=")) or not 0 < count <= _MOST_ITERATIONS:
            raise DatabaseError("the server's challenge does not belong to our first message")
        client, server = _keys(self._password, salt, count)
        stored = hashlib.sha256(client).digest()
        without_proof = f"c=biws,r={nonce}"
        message = f"{self._first},{challenge},{without_proof}".encode()
        self._signature = _hmac(server, message)
        proof = bytes(a ^ b for a, b in zip(client, _hmac(stored, message), strict=True))
        return f"{without_proof},p={base64.b64encode(proof).decode()}"

    def verify(self, answer: str) -> None:
        """Checks the server's proof that it knows the password too.

        Raises:
            DatabaseError: if it does not.
        """
        expected = f"v={base64.b64encode(self._signature).decode()}"
        if not self._signature or not hmac.compare_digest(expected.encode(), answer.encode()):
            raise DatabaseError("the server does not know the password, so it is not the database")
        self.verified = True


def verifier(password: str, salt: bytes | None = None) -> str:
    """Returns the SCRAM verifier of a password; used in its place, so that no statement or log contains it."""
    salt = salt or secrets.token_bytes(16)
    client, server = _keys(password.encode(), salt, _ITERATIONS)
    stored = base64.b64encode(hashlib.sha256(client).digest()).decode()
    return f"SCRAM-SHA-256${_ITERATIONS}:{base64.b64encode(salt).decode()}${stored}:{base64.b64encode(server).decode()}"


def identifier(name: str) -> str:
    """Returns a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text as a quoted literal that is valid under any setting of standard_conforming_strings."""
    escaped = text.replace("'", "''")
    return "E'" + escaped.replace("\\", "\\\\") + "'" if "\\" in text else f"'{escaped}'"


def _encrypt(plain: socket.socket, host: str) -> ssl.SSLSocket:
    plain.sendall(_TLS_REQUEST)
    if plain.recv(1) != b"S":
        raise DatabaseError(f"{host} does not offer TLS")
    context = tls_context()
    # Python 3.13 also requires extensions that libpq does not require: docs.python.org/3/library/ssl.html,
    # VERIFY_X509_STRICT. The chain and the host name are verified without it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context.wrap_socket(plain, server_hostname=host)


def _keys(password: bytes, salt: bytes, count: int) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, count)
    return _hmac(salted, b"Client Key"), _hmac(salted, b"Server Key")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _row(body: bytes) -> Row:
    count = struct.unpack("!h", body[:2])[0]
    offset, values = 2, []
    for _ in range(count):
        length = struct.unpack("!i", body[offset : offset + 4])[0]
        offset += 4
        values.append(None if length < 0 else body[offset : offset + length].decode())
        offset += max(length, 0)
    return tuple(values)


def _message(body: bytes) -> str:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return f"{fields.get(b'M', 'refused')} (SQLSTATE {fields.get(b'C', '?')})"
