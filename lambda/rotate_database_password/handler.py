"""Rotates a database password in the four steps of Secrets Manager, and lets the running tasks know.

The steps: docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html. Each may be
called again after a failure, so each does nothing that it finds done. The password is set through RDS's own API, so
no database driver and no place in the VPC are needed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import boto3

_LENGTH = 40
_POLL_SECONDS = 5
_PATIENCE_SECONDS = 540  # a minute less than the function's ten, so that the error says what it waited for


@dataclass(frozen=True)
class Settings:
    """What the function is told by its environment."""

    instance_id: str
    url_secret_arn: str
    cluster: str
    services: tuple[str, ...]

    @classmethod
    def from_environment(cls) -> Settings:
        """Read and check the environment once."""
        services = tuple(name for name in os.environ["SERVICES"].split(",") if name)
        return cls(os.environ["INSTANCE_ID"], os.environ["URL_SECRET_ARN"], os.environ["CLUSTER"], services)


def main(event: dict[str, Any], _context: object) -> None:
    """Do one step of a rotation.

    Raises:
        ValueError: for a step there is not, or a version that is not to be rotated.
        TimeoutError: when RDS has not applied the password; Secrets Manager calls the step again.
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
    """One rotation: one version of one secret, on its way from pending to current."""

    def __init__(self, settings: Settings, secret_id: str, version: str) -> None:
        self._settings = settings
        self._secret_id = secret_id
        self._version = version
        self._secrets = boto3.client("secretsmanager")
        self._rds = boto3.client("rds")

    def create(self) -> None:
        """Put a new password beside the current one, as pending."""
        if "AWSPENDING" in self._stages().get(self._version, []) and self._has_value():
            return
        current = self._value("AWSCURRENT")
        password = self._secrets.get_random_password(PasswordLength=_LENGTH, ExcludePunctuation=True)["RandomPassword"]
        self._secrets.put_secret_value(
            SecretId=self._secret_id,
            ClientRequestToken=self._version,
            SecretString=json.dumps({**current, "password": password}),
            VersionStages=["AWSPENDING"],
        )

    def set(self) -> None:
        """Give the database the pending password."""
        self._rds.modify_db_instance(
            DBInstanceIdentifier=self._settings.instance_id,
            MasterUserPassword=self._value("AWSPENDING")["password"],
            ApplyImmediately=True,
        )

    def test(self) -> None:
        """Wait until the database took it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            instance = self._rds.describe_db_instances(DBInstanceIdentifier=self._settings.instance_id)["DBInstances"][
                0
            ]
            pending = instance.get("PendingModifiedValues") or {}
            if instance["DBInstanceStatus"] == "available" and "MasterUserPassword" not in pending:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"database {self._settings.instance_id} is {instance['DBInstanceStatus']} and has not taken the "
                    "new password; Secrets Manager tries again"
                )
            time.sleep(_POLL_SECONDS)

    def finish(self) -> None:
        """Make the pending password the current one, rewrite the address, and start tasks that know it."""
        stages = self._stages()
        current = next((version for version, names in stages.items() if "AWSCURRENT" in names), None)
        if current != self._version:
            self._secrets.update_secret_version_stage(
                SecretId=self._secret_id,
                VersionStage="AWSCURRENT",
                MoveToVersionId=self._version,
                **({"RemoveFromVersionId": current} if current else {}),
            )
        self._secrets.put_secret_value(
            SecretId=self._settings.url_secret_arn,
            ClientRequestToken=self._version,
            SecretString=database_url(self._value("AWSCURRENT")),
        )
        ecs = boto3.client("ecs")
        for service in self._settings.services:
            ecs.update_service(cluster=self._settings.cluster, service=service, forceNewDeployment=True)

    def _stages(self) -> dict[str, list[str]]:
        stages: dict[str, list[str]] = self._secrets.describe_secret(SecretId=self._secret_id)["VersionIdsToStages"]
        if self._version not in stages:
            raise ValueError(f"version {self._version} of {self._secret_id} does not exist")
        return stages

    def _has_value(self) -> bool:
        try:
            self._value("AWSPENDING")
        except self._secrets.exceptions.ResourceNotFoundException:
            return False
        return True

    def _value(self, stage: str) -> dict[str, Any]:
        answer = self._secrets.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        value: dict[str, Any] = json.loads(answer["SecretString"])
        return value


def database_url(value: dict[str, Any]) -> str:
    """The address a Django product reads, of a secret that RDS is attached to."""
    password = quote(value["password"], safe="")
    return (
        f"postgresql://{value['username']}:{password}@{value['host']}:{value['port']}/{value['dbname']}?sslmode=require"
    )
