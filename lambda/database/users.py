"""The application's database users: two that take turns, and the role that owns all they create (docs/adr/0017)."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from database.postgres import Connection, Login, identifier, literal, verifier
from shared.aws import HERE

_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Database:
    """One database, as the environment of a function describes it."""

    host: str
    port: int
    name: str
    sslmode: str
    owner: str
    users: tuple[str, str]
    administrator_secret: str

    @classmethod
    def from_environment(cls) -> Database:
        """Read the environment once."""
        first, second = os.environ["USERS"].split(",")
        return cls(
            host=os.environ["HOST"],
            port=int(os.environ["PORT"]),
            name=os.environ["DATABASE"],
            sslmode=os.environ["SSLMODE"],
            owner=os.environ["OWNER"],
            users=(first, second),
            administrator_secret=os.environ["ADMINISTRATOR_SECRET_ARN"],
        )

    def login(self, credentials: dict[str, Any]) -> Login:
        """Returns the login of the user that a secret describes."""
        return Login(self.host, self.port, self.name, str(credentials["username"]), str(credentials["password"]))

    def url(self, credentials: dict[str, Any]) -> str:
        """The DATABASE_URL of the containers."""
        user, password = (quote(str(credentials[key]), safe="") for key in ("username", "password"))
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{self.name}?sslmode={self.sslmode}"

    def other(self, user: str) -> str:
        """The user whose turn is next."""
        return self.users[1] if user == self.users[0] else self.users[0]

    @contextmanager
    def administration(self) -> Iterator[Connection]:
        """A connection as the master user, whose changes are kept together or not at all."""
        with connected(self.login(secret(self.administrator_secret))) as connection:
            connection.query("BEGIN")
            # A statement that waits for a table in use makes all later ones wait behind it.
            connection.query("SET LOCAL lock_timeout = '5s'")
            connection.query(f"SELECT pg_advisory_xact_lock(hashtext({literal(self.owner)}))")
            yield connection
            connection.query("COMMIT")

    def check(self, credentials: dict[str, Any]) -> None:
        """Log in as the application does.

        Raises:
            ValueError: if what it creates would not belong to the owner.
        """
        with connected(self.login(credentials)) as connection:
            if connection.query("SELECT current_user") != [(self.owner,)]:
                raise ValueError(f"user {credentials['username']} does not act as {self.owner}")


def set_password(connection: Connection, user: str, password: str) -> None:
    """Give a user a password; the statement contains its verifier only."""
    connection.query(f"ALTER ROLE {identifier(user)} PASSWORD {literal(verifier(password))}")


def secret(arn: str, stage: str = "AWSCURRENT") -> dict[str, Any]:
    """The value of a secret that holds JSON."""
    answer = HERE.client("secretsmanager").get_secret_value(SecretId=arn, VersionStage=stage)
    value: dict[str, Any] = json.loads(answer["SecretString"])
    return value


def connected(login: Login) -> Connection:
    """Connect, and try again while nobody answers: a database or a network interface may have just been made."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return Connection(login)
        except ssl.SSLError:
            raise  # another attempt meets the same certificate
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
