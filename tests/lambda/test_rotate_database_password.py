"""The rotation's four steps, and every place where one may be called twice or fail half way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rotate_database_password import handler
from tests.support.fake_aws import FakeAws, Refused

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:database-AbCdEf"
URL_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:url-AbCdEf"
OLD, NEW = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
DATABASE = {"username": "app", "password": "old", "host": "db.internal", "port": 5432, "dbname": "allthrive"}


class Cloud(FakeAws):
    """A secret, its address secret, a database and two services, with the semantics the rotation relies on."""

    def __init__(self) -> None:
        super().__init__()
        self.values = {OLD: json.dumps(DATABASE)}
        self.stages = {OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}
        self.urls: list[str] = []
        self.database_password = "old"
        self.settling = 0
        self.restarted: list[str] = []
        self.on("secretsmanager.DescribeSecret", lambda _: {"VersionIdsToStages": self.stages})
        self.on("secretsmanager.GetSecretValue", self._get)
        self.on("secretsmanager.PutSecretValue", self._put)
        self.on("secretsmanager.GetRandomPassword", lambda _: {"RandomPassword": "n3w" * 13})
        self.on("secretsmanager.UpdateSecretVersionStage", self._move)
        self.on("rds.ModifyDBInstance", self._modify)
        self.on("rds.DescribeDBInstances", self._describe)
        self.on("ecs.UpdateService", self._restart)

    def _get(self, given: dict[str, Any]) -> dict[str, Any]:
        for version, stages in self.stages.items():
            if given["VersionStage"] in stages and version in self.values:
                return {"SecretString": self.values[version], "VersionId": version}
        raise Refused("ResourceNotFoundException")

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["SecretId"] == URL_ARN:
            self.urls.append(given["SecretString"])
        else:
            self.values[given["ClientRequestToken"]] = given["SecretString"]
        return {"ARN": given["SecretId"]}

    def _move(self, given: dict[str, Any]) -> dict[str, Any]:
        self.stages = {given["MoveToVersionId"]: ["AWSCURRENT"], given["RemoveFromVersionId"]: ["AWSPREVIOUS"]}
        return {}

    def _modify(self, given: dict[str, Any]) -> str:
        self.database_password = given["MasterUserPassword"]
        return "<ModifyDBInstanceResponse><ModifyDBInstanceResult/></ModifyDBInstanceResponse>"

    def _describe(self, _: dict[str, Any]) -> str:
        pending = "<MasterUserPassword>****</MasterUserPassword>" if self.settling else ""
        self.settling = max(0, self.settling - 1)
        return (
            "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>"
            f"<DBInstanceStatus>available</DBInstanceStatus><PendingModifiedValues>{pending}</PendingModifiedValues>"
            "</DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
        )

    def _restart(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["forceNewDeployment"] is True
        self.restarted.append(given["service"])
        return {}


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in {
        "INSTANCE_ID": "database",
        "URL_SECRET_ARN": URL_ARN,
        "CLUSTER": "production-allthrive-cluster",
        "SERVICES": "production-allthrive-web,production-allthrive-celery",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "_POLL_SECONDS", 0)
    cloud = Cloud()
    with cloud.installed(monkeypatch):
        yield cloud


def rotate(*steps: str) -> None:
    for step in steps:
        handler.main({"Step": step, "SecretId": ARN, "ClientRequestToken": NEW}, None)


def test_a_rotation_gives_database_secret_and_address_the_same_new_password(cloud: Cloud) -> None:
    rotate("createSecret", "setSecret", "testSecret", "finishSecret")

    password = json.loads(cloud.values[NEW])["password"]
    assert password != "old"
    assert cloud.database_password == password
    assert cloud.stages[NEW] == ["AWSCURRENT"]
    assert cloud.urls == [f"postgresql://app:{password}@db.internal:5432/allthrive?sslmode=require"]


def test_every_service_is_restarted_so_that_its_tasks_read_the_new_address(cloud: Cloud) -> None:
    rotate("createSecret", "setSecret", "testSecret", "finishSecret")

    assert cloud.restarted == ["production-allthrive-web", "production-allthrive-celery"]


def test_creating_twice_keeps_the_first_password(cloud: Cloud) -> None:
    rotate("createSecret")
    first = cloud.values[NEW]
    cloud.on("secretsmanager.GetRandomPassword", lambda _: {"RandomPassword": "another"})

    rotate("createSecret")

    assert cloud.values[NEW] == first


def test_the_current_password_stays_until_the_database_took_the_new_one(cloud: Cloud) -> None:
    cloud.settling = 3

    rotate("createSecret", "setSecret", "testSecret")

    assert cloud.names().count("rds.DescribeDBInstances") == 4
    assert cloud.stages[OLD] == ["AWSCURRENT"]
    assert cloud.urls == []


def test_a_database_that_never_takes_it_fails_the_step_and_names_itself(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.settling = 10**6
    monkeypatch.setattr(handler, "_PATIENCE_SECONDS", 0)
    rotate("createSecret", "setSecret")

    with pytest.raises(TimeoutError, match="database database is available and has not taken the new password"):
        rotate("testSecret")


def test_finishing_twice_after_a_failed_restart_ends_with_every_service_restarted(cloud: Cloud) -> None:
    rotate("createSecret", "setSecret", "testSecret")

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


def test_a_password_that_would_break_an_address_is_escaped() -> None:
    assert handler.database_url({**DATABASE, "password": "a/b@c"}).startswith("postgresql://app:a%2Fb%40c@")


def test_a_version_that_is_not_there_is_refused(cloud: Cloud) -> None:
    cloud.stages.pop(NEW)

    with pytest.raises(ValueError, match=f"version {NEW} of .* does not exist"):
        rotate("createSecret")


def test_a_step_there_is_not_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="unknown step 'deleteSecret'"):
        rotate("deleteSecret")

    assert cloud.calls == []


def test_no_password_is_printed(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    rotate("createSecret", "setSecret", "testSecret", "finishSecret")

    printed = capsys.readouterr()
    assert json.loads(cloud.values[NEW])["password"] not in printed.out + printed.err
