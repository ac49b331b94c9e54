"""The application's database users: two that take turns, and the role that owns what they create (docs/adr/0017)."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from database.postgres import Connection, Login, identifier, literal, verifier
from shared.aws import HERE

_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Database:
    """The application's database, its users, and the secret of the master user."""

    host: str
    port: int
    name: str
    sslmode: str
    owner: str
    users: tuple[str, str]
    administrator_secret: str

    @classmethod
    def from_environment(cls) -> Database:
        """Reads the environment variables of the function."""
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

    def other(self, user: str) -> str:
        """Returns the user whose turn is next."""
        return self.users[1] if user == self.users[0] else self.users[0]

    @contextmanager
    def administration(self) -> Iterator[Connection]:
        """Opens a transaction as the master user and commits it at the end; an exception rolls it back."""
        with connect(self.login(secret(self.administrator_secret))) as connection:
            connection.query("BEGIN")
            # While a statement waits for a lock on a table, all later statements on that table queue behind it.
            connection.query("SET LOCAL lock_timeout = '5s'")
            connection.query(f"SELECT pg_advisory_xact_lock(hashtext({literal(self.owner)}))")
            yield connection
            connection.query("COMMIT")

    def check(self, credentials: dict[str, Any]) -> None:
        """Logs in as the application does.

        Raises:
            ValueError: if the objects it creates would not belong to the owner.
        """
        with connect(self.login(credentials)) as connection:
            if connection.query("SELECT current_user") != [(self.owner,)]:
                raise ValueError(f"user {credentials['username']} does not act as {self.owner}")


def set_password(connection: Connection, user: str, password: str) -> None:
    """Sets the password of a user; the statement contains only its verifier."""
    connection.query(f"ALTER ROLE {identifier(user)} PASSWORD {literal(verifier(password))}")


def secret(arn: str, stage: str = "AWSCURRENT") -> dict[str, Any]:
    """Returns the value of a secret that holds a JSON object."""
    answer = HERE.client("secretsmanager").get_secret_value(SecretId=arn, VersionStage=stage)
    value: dict[str, Any] = json.loads(answer["SecretString"])
    return value


def connect(login: Login) -> Connection:
    """Connects, and retries for a minute if the server does not answer: it or a network interface may be new."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return Connection(login)
        except ssl.SSLError:
            raise  # another attempt would get the same certificate
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
