"""Point-in-time recovery of a database to a new instance."""

from __future__ import annotations

import datetime
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from localcloud.testing.cloud import Cloud, until
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]
PASSWORD = "first-password"


def sql(instance: dict[str, Any], statement: str, password: str = PASSWORD) -> Any:
    """Returns the first value of a statement's result, if any."""
    endpoint = instance["Endpoint"]
    connection = psycopg2.connect(
        host=endpoint["Address"],
        port=endpoint["Port"],
        user="app",
        password=password,
        dbname="app",
        sslmode="require",
        connect_timeout=30,
    )
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def available(cloud: Cloud, name: str) -> dict[str, Any]:
    rds = cloud.client("rds")
    until(
        f"{name} is available",
        lambda: (
            rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"] == "available"
        ),
        120,
    )
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found


def create(cloud: Cloud, name: str, days: int) -> dict[str, Any]:
    cloud.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        EngineVersion="18.1",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        DBName="app",
        MasterUsername="app",
        MasterUserPassword=PASSWORD,
        BackupRetentionPeriod=days,
    )
    return available(cloud, name)


def restored(cloud: Cloud, source: str, **when: Any) -> dict[str, Any]:
    name = unique("restored")

    def begun() -> bool:
        """True once the source has its base backup, which is created in the background."""
        try:
            cloud.client("rds").restore_db_instance_to_point_in_time(
                SourceDBInstanceIdentifier=source, TargetDBInstanceIdentifier=name, **when
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PointInTimeRestoreNotEnabled":
                raise
            return False
        return True

    until("a backup", begun, 60)
    return available(cloud, name)


@pytest.fixture(scope="module")
def source(cloud: Cloud) -> dict[str, Any]:
    return create(cloud, unique("source"), 7)


def backed_up(cloud: Cloud, source: dict[str, Any]) -> None:
    """Wait for the last file of the base backup."""
    read = "SELECT count(*) FROM pg_ls_dir('/tmp/localcloud-backup/base') AS name WHERE name = 'backup_label'"

    def there() -> bool:
        try:
            return bool(sql(source, read) == 1)
        except psycopg2.Error:
            return False

    until("the base backup", there, 60)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def test_a_restored_database_has_the_state_of_the_given_time_and_the_source_is_unchanged(
    cloud: Cloud, source: dict[str, Any]
) -> None:
    backed_up(cloud, source)
    name = source["DBInstanceIdentifier"]
    sql(source, "CREATE TABLE kept (word text)")
    sql(source, "INSERT INTO kept VALUES ('before')")
    moment = now()
    until("a later moment", lambda: now() > moment + datetime.timedelta(milliseconds=50))
    sql(source, "DELETE FROM kept")
    sql(source, "CREATE TABLE later (word text)")

    back = restored(cloud, name, RestoreTime=moment)

    assert sql(back, "SELECT word FROM kept") == "before"
    assert sql(back, "SELECT to_regclass('later')") is None
    assert sql(back, "SELECT pg_is_in_recovery()") is False
    assert sql(source, "SELECT count(*) FROM kept") == 0
    assert back["Endpoint"]["Address"] != source["Endpoint"]["Address"]
    sql(back, "INSERT INTO kept VALUES ('after')")

    cloud.client("rds").reboot_db_instance(DBInstanceIdentifier=back["DBInstanceIdentifier"])
    assert sql(available(cloud, back["DBInstanceIdentifier"]), "SELECT count(*) FROM kept") == 2


def test_the_latest_restorable_time_includes_all_commits_and_the_current_password(
    cloud: Cloud, source: dict[str, Any]
) -> None:
    backed_up(cloud, source)
    name = source["DBInstanceIdentifier"]
    sql(source, "CREATE TABLE latest AS SELECT 1 AS number")
    back = restored(cloud, name, UseLatestRestorableTime=True)
    assert sql(back, "SELECT number FROM latest") == 1


def test_a_restore_to_a_time_before_a_rotation_has_the_former_password(cloud: Cloud) -> None:
    made = create(cloud, unique("rotated"), 1)
    backed_up(cloud, made)
    moment = now()
    until("a later moment", lambda: now() > moment + datetime.timedelta(milliseconds=50))
    name = made["DBInstanceIdentifier"]
    cloud.client("rds").modify_db_instance(
        DBInstanceIdentifier=name, MasterUserPassword="second-password", ApplyImmediately=True
    )
    until("the new password", lambda: _accepts(made, "second-password"))

    back = restored(cloud, name, RestoreTime=moment)

    assert _accepts(back, PASSWORD)
    assert not _accepts(back, "second-password")


def _accepts(instance: dict[str, Any], password: str) -> bool:
    try:
        return bool(sql(instance, "SELECT true", password))
    except psycopg2.OperationalError:
        return False


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ({"RestoreTime": datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)}, "InvalidParameterValue"),
        ({"RestoreTime": now() + datetime.timedelta(days=1)}, "InvalidParameterValue"),
        ({}, "InvalidParameterValue"),
    ],
)
def test_a_time_outside_the_archive_is_refused(
    cloud: Cloud, source: dict[str, Any], when: dict[str, Any], code: str
) -> None:
    backed_up(cloud, source)
    with pytest.raises(ClientError) as caught:
        restored(cloud, source["DBInstanceIdentifier"], **when)
    assert caught.value.response["Error"]["Code"] == code


def test_an_instance_without_backup_retention_cannot_be_restored(cloud: Cloud) -> None:
    name = create(cloud, unique("without"), 0)["DBInstanceIdentifier"]
    with pytest.raises(ClientError) as caught:
        cloud.client("rds").restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=f"{name}-back", UseLatestRestorableTime=True
        )
    assert caught.value.response["Error"]["Code"] == "PointInTimeRestoreNotEnabled"
