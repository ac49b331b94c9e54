"""The four steps of a rotation, also when a step is called twice or fails half way."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from database import users
from rotate_database_password import handler
from tests.support.fake_aws import FakeAws, Refused

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:user-AbCdEf"
URL_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:url-AbCdEf"
BROKER_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:broker-AbCdEf"
TOKEN_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:token-AbCdEf"
MASTER_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:master-AbCdEf"
OLD, NEW = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"

USER, PASSWORD = ({"key": key, "in_address": True} for key in ("username", "password"))
COMPOSED = [
    {
        "secret": URL_ARN,
        "parts": ["postgresql://", USER, ":", PASSWORD, "@db.internal:5432/allthrive?sslmode=verify-full"],
    },
    {"secret": BROKER_ARN, "parts": ["user=", {"key": "username"}, " token=", {"secret": TOKEN_ARN}]},
]


class Cloud(FakeAws):
    """Fakes of Secrets Manager and ECS: the user's secret, two that are composed of it, and two services.

    tests/end_to_end/test_database_users.py covers the database itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values = {OLD: json.dumps({"username": "app_1", "password": "old"})}
        self.stages = {OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}
        self.composed: dict[str, list[str]] = {URL_ARN: [], BROKER_ARN: []}
        self.restarted: list[str] = []
        self.on("secretsmanager.DescribeSecret", lambda _: {"VersionIdsToStages": self.stages})
        self.on("secretsmanager.GetSecretValue", self._get)
        self.on("secretsmanager.PutSecretValue", self._put)
        self.on("secretsmanager.GetRandomPassword", lambda _: {"RandomPassword": "n3w" * 13})
        self.on("secretsmanager.UpdateSecretVersionStage", self._move)
        self.on("ecs.UpdateService", self._restart)

    def _get(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["SecretId"] == MASTER_ARN:
            return {"SecretString": json.dumps({"username": "app", "password": "master"})}
        if given["SecretId"] == TOKEN_ARN:
            return {"SecretString": "t0ken"}
        for version, stages in self.stages.items():
            if given["VersionStage"] in stages and version in self.values:
                return {"SecretString": self.values[version], "VersionId": version}
        raise Refused("ResourceNotFoundException")

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["SecretId"] in self.composed:
            self.composed[given["SecretId"]].append(given["SecretString"])
        else:
            self.values[given["ClientRequestToken"]] = given["SecretString"]
        return {"ARN": given["SecretId"]}

    def _move(self, given: dict[str, Any]) -> dict[str, Any]:
        self.stages = {given["MoveToVersionId"]: ["AWSCURRENT"], given["RemoveFromVersionId"]: ["AWSPREVIOUS"]}
        return {}

    def _restart(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["forceNewDeployment"] is True
        self.restarted.append(given["service"])
        return {}


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in {
        "HOST": "db.internal",
        "PORT": "5432",
        "DATABASE": "allthrive",
        "SSLMODE": "verify-full",
        "OWNER": "app_owner",
        "USERS": "app_1,app_2",
        "ADMINISTRATOR_SECRET_ARN": MASTER_ARN,
        "COMPOSED": json.dumps(COMPOSED),
        "CLUSTER": "production-allthrive-cluster",
        "SERVICES": "production-allthrive-web,production-allthrive-celery",
    }.items():
        monkeypatch.setenv(name, value)
    cloud = Cloud()
    with cloud.installed(monkeypatch):
        yield cloud


def rotate(*steps: str) -> None:
    for step in steps:
        handler.main({"Step": step, "SecretId": ARN, "ClientRequestToken": NEW}, None)


def test_the_new_password_belongs_to_the_other_user(cloud: Cloud) -> None:
    rotate("createSecret", "finishSecret")

    assert json.loads(cloud.values[NEW]) == {"username": "app_2", "password": "n3w" * 13}
    assert cloud.stages[NEW] == ["AWSCURRENT"]
    assert cloud.composed[URL_ARN] == [
        f"postgresql://app_2:{'n3w' * 13}@db.internal:5432/allthrive?sslmode=verify-full"
    ]


def test_the_next_rotation_is_for_the_first_user_again(cloud: Cloud) -> None:
    cloud.values[OLD] = json.dumps({"username": "app_2", "password": "old"})

    rotate("createSecret")

    assert json.loads(cloud.values[NEW])["username"] == "app_1"


def test_a_pending_password_of_the_user_in_use_is_not_set(cloud: Cloud) -> None:
    cloud.values[NEW] = json.dumps({"username": "app_1", "password": "by hand"})

    for step in ("setSecret", "testSecret"):
        with pytest.raises(ValueError, match="is for the user that is in use"):
            rotate(step)


def test_a_database_that_does_not_answer_fails_the_step(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setattr(users, "_PATIENCE_SECONDS", 0)
    rotate("createSecret")

    with pytest.raises(ConnectionRefusedError):
        rotate("setSecret")

    assert cloud.stages[OLD] == ["AWSCURRENT"]
    assert cloud.composed == {URL_ARN: [], BROKER_ARN: []}


def test_every_service_is_restarted_so_that_its_tasks_read_the_new_address(cloud: Cloud) -> None:
    rotate("createSecret", "finishSecret")

    assert cloud.restarted == ["production-allthrive-web", "production-allthrive-celery"]


def test_creating_twice_keeps_the_first_password(cloud: Cloud) -> None:
    rotate("createSecret")
    first = cloud.values[NEW]
    cloud.on("secretsmanager.GetRandomPassword", lambda _: {"RandomPassword": "another"})

    rotate("createSecret")

    assert cloud.values[NEW] == first


def test_finishing_twice_after_a_failed_restart_ends_with_every_service_restarted(cloud: Cloud) -> None:
    rotate("createSecret")

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused("ServiceNotActiveException")

    cloud.on("ecs.UpdateService", refuse)
    with pytest.raises(ClientError, match="ServiceNotActiveException"):
        rotate("finishSecret")
    cloud.on("ecs.UpdateService", cloud._restart)

    rotate("finishSecret")

    assert cloud.restarted == ["production-allthrive-web", "production-allthrive-celery"]
    assert cloud.stages[NEW] == ["AWSCURRENT"]
    assert cloud.names().count("secretsmanager.UpdateSecretVersionStage") == 1


def test_a_login_that_would_break_an_address_is_escaped(cloud: Cloud) -> None:
    cloud.values[NEW] = json.dumps({"username": "ä@2", "password": "a/b@c"})

    rotate("finishSecret")

    (url,) = cloud.composed[URL_ARN]
    assert url.startswith("postgresql://%C3%A4%402:a%2Fb%40c@db.internal:")


def test_a_secret_outside_an_address_gets_the_login_as_it_is_and_keeps_its_other_parts(cloud: Cloud) -> None:
    cloud.values[NEW] = json.dumps({"username": "ä@2", "password": "a/b@c"})

    rotate("finishSecret")

    assert cloud.composed[BROKER_ARN] == ["user=ä@2 token=t0ken"]


def test_services_restart_after_every_secret_has_its_new_value(cloud: Cloud) -> None:
    rotate("createSecret", "finishSecret")

    names = cloud.names()
    last_put = len(names) - 1 - names[::-1].index("secretsmanager.PutSecretValue")
    assert last_put < names.index("ecs.UpdateService")


def test_finishing_twice_composes_the_same_values(cloud: Cloud) -> None:
    rotate("createSecret", "finishSecret", "finishSecret")

    assert all(len(values) == 2 and len(set(values)) == 1 for values in cloud.composed.values())


def test_a_version_that_does_not_exist_is_refused(cloud: Cloud) -> None:
    cloud.stages.pop(NEW)

    with pytest.raises(ValueError, match=f"version {NEW} of .* does not exist"):
        rotate("createSecret")


def test_an_unknown_step_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="unknown step 'deleteSecret'"):
        rotate("deleteSecret")

    assert cloud.calls == []


def test_no_password_is_printed(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    rotate("createSecret", "finishSecret")

    printed = capsys.readouterr()
    assert json.loads(cloud.values[NEW])["password"] not in printed.out + printed.err
