"""Rotates the application's database password in the four steps of Secrets Manager, and restarts the services.

The steps: docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html. Each may be
called again after a failure, so each skips what is already done. Two users take turns: the new password is the
other user's, so that of the running tasks stays valid until they are replaced (docs/adr/0017).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from database.users import Database, secret, set_password
from shared.aws import HERE

_LENGTH = 40


Part = str | dict[str, Any]
"""A text, or a value of a secret: of `secret`, by default the rotated one; of its `key`; encoded if `in_address`."""


@dataclass(frozen=True)
class Composed:
    """A secret whose value contains the rotated user or password."""

    secret: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Settings:
    """The secrets to compose again, and the services that read them."""

    composed: tuple[Composed, ...]
    cluster: str
    services: tuple[str, ...]

    @classmethod
    def from_environment(cls) -> Settings:
        """Reads the environment variables of the function."""
        services = tuple(name for name in os.environ["SERVICES"].split(",") if name)
        composed = tuple(
            Composed(entry["secret"], tuple(entry["parts"])) for entry in json.loads(os.environ["COMPOSED"])
        )
        return cls(composed, os.environ["CLUSTER"], services)


def main(event: dict[str, Any], _context: object) -> None:
    """Does one step of a rotation.

    Raises:
        ValueError: if the step is unknown, or the version cannot be rotated.
        DatabaseError: if the database refuses; Secrets Manager calls the step again.
    """
    rotation = Rotation(Settings.from_environment(), event["SecretId"], event["ClientRequestToken"])
    steps: dict[str, Callable[[], None]] = {
        "createSecret": rotation.create,
        "setSecret": rotation.set,
        "testSecret": rotation.test,
        "finishSecret": rotation.finish,
    }
    if event["Step"] not in steps:
        raise ValueError(f"unknown step '{event['Step']}', expected one of {', '.join(steps)}")
    steps[event["Step"]]()


class Rotation:
    """The rotation of a secret to one new version, from AWSPENDING to AWSCURRENT."""

    def __init__(self, settings: Settings, secret_id: str, version: str) -> None:
        self._settings = settings
        self._database = Database.from_environment()
        self._secret_id = secret_id
        self._version = version
        self._secrets = HERE.client("secretsmanager")

    def create(self) -> None:
        """Stores a new password for the other user as the pending version."""
        if "AWSPENDING" in self._stages().get(self._version, []) and self._has_value():
            return
        current = secret(self._secret_id)
        password = self._secrets.get_random_password(PasswordLength=_LENGTH, ExcludePunctuation=True)["RandomPassword"]
        user = self._database.other(current["username"])
        self._secrets.put_secret_value(
            SecretId=self._secret_id,
            ClientRequestToken=self._version,
            SecretString=json.dumps({**current, "username": user, "password": password}),
            VersionStages=["AWSPENDING"],
        )

    def set(self) -> None:
        """Sets the pending password in the database."""
        pending = self._pending()
        with self._database.administration() as connection:
            set_password(connection, pending["username"], pending["password"])

    def test(self) -> None:
        """Logs in with the pending password."""
        self._database.check(self._pending())

    def finish(self) -> None:
        """Makes the pending version current, composes the other secrets again, and restarts the services."""
        stages = self._stages()
        current = next((version for version, names in stages.items() if "AWSCURRENT" in names), None)
        if current != self._version:
            self._secrets.update_secret_version_stage(
                SecretId=self._secret_id,
                VersionStage="AWSCURRENT",
                MoveToVersionId=self._version,
                **({"RemoveFromVersionId": current} if current else {}),
            )
        credentials = secret(self._secret_id)
        for composed in self._settings.composed:
            self._secrets.put_secret_value(
                SecretId=composed.secret,
                ClientRequestToken=self._version,
                SecretString="".join(self._text(part, credentials) for part in composed.parts),
            )
        ecs = HERE.client("ecs")
        for service in self._settings.services:
            ecs.update_service(cluster=self._settings.cluster, service=service, forceNewDeployment=True)

    def _text(self, part: Part, credentials: dict[str, Any]) -> str:
        """Returns the text of a part of a composed secret."""
        if isinstance(part, str):
            return part
        if "secret" in part:
            whole = self._secrets.get_secret_value(SecretId=part["secret"])["SecretString"]
            value = str(json.loads(whole)[part["key"]]) if "key" in part else str(whole)
        else:
            value = str(credentials[part["key"]])
        return quote(value, safe="") if part.get("in_address") else value

    def _pending(self) -> dict[str, Any]:
        """Returns the pending user and password.

        Raises:
            ValueError: if the user is the current one, whose password the running tasks use.
        """
        pending = secret(self._secret_id, "AWSPENDING")
        if pending["username"] == secret(self._secret_id)["username"] and not self._is_current():
            raise ValueError(f"the pending version of {self._secret_id} is for the user that is in use")
        return pending

    def _is_current(self) -> bool:
        return "AWSCURRENT" in self._stages().get(self._version, [])

    def _stages(self) -> dict[str, list[str]]:
        stages: dict[str, list[str]] = self._secrets.describe_secret(SecretId=self._secret_id)["VersionIdsToStages"]
        if self._version not in stages:
            raise ValueError(f"version {self._version} of {self._secret_id} does not exist")
        return stages

    def _has_value(self) -> bool:
        try:
            secret(self._secret_id, "AWSPENDING")
        except self._secrets.exceptions.ResourceNotFoundException:
            return False
        return True
