"""The PostgreSQL client, against a fake server whose answers the tests choose."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from database import postgres
from database.postgres import Connection, DatabaseError, Login, Scram, identifier, literal, verifier
from tests.support.certificates import Authority

PASSWORD = "n3w" * 13


class Server:
    """A server for one connection: TLS, SCRAM as in RFC 7677, and the same answer to every statement."""

    def __init__(self, certificate: Path, *, tls: bytes = b"S", methods: bytes = b"SCRAM-SHA-256\0\0") -> None:
        self.answers: list[bytes] = []
        self.statements: list[str] = []
        self.password = PASSWORD
        self._certificate, self._tls, self._methods = certificate, tls, methods
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def login(self, host: str = "127.0.0.1") -> Login:
        return Login(host, self.port, "shop", "app", PASSWORD)

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        try:
            plain, _ = self._listener.accept()
            with plain:
                plain.recv(8)
                plain.sendall(self._tls)
                if self._tls == b"S":
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(self._certificate)
                    with context.wrap_socket(plain, server_side=True) as secure:
                        self._talk(secure)
        except OSError:
            return  # the client disconnected, as some tests make it

    def _talk(self, secure: ssl.SSLSocket) -> None:
        file = secure.makefile("rb")
        file.read(struct.unpack("!i", file.read(4))[0] - 4)
        secure.sendall(message(b"R", struct.pack("!i", 10) + self._methods))
        if not (first := received(file)):
            return
        bare = first[first.index(b"n,,") + 3 :].decode()
        challenge = f"r={bare.partition('r=')[2]}more,s={base64.b64encode(b'salt').decode()},i=4096"
        secure.sendall(message(b"R", struct.pack("!i", 11) + challenge.encode()))
        final = received(file).decode()
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), b"salt", 4096)
        key = hmac.digest(salted, b"Server Key", "sha256")
        signed = f"{bare},{challenge},{final.partition(',p=')[0]}".encode()
        signature = base64.b64encode(hmac.digest(key, signed, "sha256"))
        secure.sendall(message(b"R", struct.pack("!i", 12) + b"v=" + signature))
        secure.sendall(message(b"R", struct.pack("!i", 0)) + message(b"S", b"a\0b\0") + message(b"Z", b"I"))
        while statement := received(file):
            self.statements.append(statement.rstrip(b"\0").decode())
            secure.sendall(b"".join(self.answers) + message(b"Z", b"I"))


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def received(file: Any) -> bytes:
    head = file.read(5)
    body: bytes = file.read(struct.unpack("!i", head[1:])[0] - 4) if len(head) == 5 else b""
    return body


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def server(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("CA_PEM", authority.pem)
    server = Server(authority.certificate("127.0.0.1"))
    yield server
    server.close()


def test_a_statement_returns_its_rows(server: Server) -> None:
    server.answers = [message(b"D", struct.pack("!hi", 2, 3) + b"abc" + struct.pack("!i", -1)), message(b"C", b"S\0")]

    with Connection(server.login()) as connection:
        assert connection.query("SELECT 1") == [("abc", None)]

    assert server.statements == ["SELECT 1"]


def test_a_refused_statement_says_why_and_the_connection_stays_usable(server: Server) -> None:
    with Connection(server.login()) as connection:
        server.answers = [message(b"E", b"SERROR\0C42501\0Mpermission denied\0\0")]
        with pytest.raises(DatabaseError, match=r"permission denied \(SQLSTATE 42501\)"):
            connection.query("ALTER ROLE other")
        server.answers = []
        assert connection.query("SELECT 1") == []


def test_a_server_that_does_not_know_the_password_is_not_the_database(server: Server) -> None:
    server.password = "another"

    with pytest.raises(DatabaseError, match="does not know the password"):
        Connection(server.login())


def test_a_certificate_for_another_host_is_refused(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_PEM", authority.pem)
    server = Server(authority.certificate("db.example"))

    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        Connection(server.login())
    server.close()


def test_a_certificate_of_an_unknown_authority_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CA_PEM")

    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        Connection(server.login())


def test_a_server_without_tls_does_not_get_the_password(authority: Authority) -> None:
    server = Server(authority.certificate("127.0.0.1"), tls=b"N")

    with pytest.raises(DatabaseError, match="does not offer TLS"):
        Connection(server.login())
    server.close()


def test_a_server_without_scram_sha_256_is_refused(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_PEM", authority.pem)
    server = Server(authority.certificate("127.0.0.1"), methods=b"SCRAM-SHA-512\0\0")

    with pytest.raises(DatabaseError, match="offers no SCRAM-SHA-256"):
        Connection(server.login())
    server.close()


def test_a_challenge_that_does_not_belong_to_our_first_message_is_refused() -> None:
    exchange = Scram(PASSWORD)
    exchange.first()

    for challenge in ("r=elsewhere,s=c2FsdA==,i=4096", "nonsense", f"{exchange.first()[5:]}x,s=c2FsdA==,i=99999999"):
        with pytest.raises(DatabaseError, match="challenge"):
            exchange.final(challenge)


def test_a_verifier_contains_no_password_and_has_the_form_postgresql_stores() -> None:
    stored = verifier("pencil", b"salt")

    assert re.fullmatch(r"SCRAM-SHA-256\$4096:c2FsdA==\$[\w+/]{43}=:[\w+/]{43}=", stored)
    assert "pencil" not in stored
    assert verifier("pencil") != verifier("pencil")


@pytest.mark.parametrize(
    ("name", "quoted"), [("app", '"app"'), ('a"b', '"a""b"'), ("Drop Table", '"Drop Table"'), ("ü", '"ü"')]
)
def test_identifiers_are_quoted(name: str, quoted: str) -> None:
    assert identifier(name) == quoted


@pytest.mark.parametrize(("text", "quoted"), [("a", "'a'"), ("a'b", "'a''b'"), ("a\\'b", "E'a\\\\''b'")])
def test_literals_are_quoted(text: str, quoted: str) -> None:
    assert literal(text) == quoted


def test_a_statement_with_a_nul_character_is_not_sent(server: Server) -> None:
    with Connection(server.login()) as connection, pytest.raises(DatabaseError, match="NUL"):
        connection.query("SELECT '\0'")

    assert server.statements == []


def test_a_message_that_is_too_long_ends_the_connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with Connection(server.login()) as connection:
        monkeypatch.setattr(postgres, "_LARGEST_MESSAGE", 10)
        server.answers = [message(b"D", b"x" * 11)]
        with pytest.raises(DatabaseError, match="a message of 11 bytes"):
            connection.query("SELECT 1")
