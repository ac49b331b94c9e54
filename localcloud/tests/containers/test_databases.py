"""RDS, ElastiCache and their secrets, with real servers."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.parse
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from localcloud.testing.cloud import Cloud, allow, role, until
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

ROTATE = """
import boto3, json, os
def handler(event, _context):
    secrets, arn, token = boto3.client("secretsmanager"), event["SecretId"], event["ClientRequestToken"]
    versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert "AWSPENDING" in versions[token], versions
    if event["Step"] == "createSecret":
        value = json.loads(secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])
        try:
            secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            new = secrets.get_random_password(PasswordLength=20, ExcludePunctuation=True)
            value["password"] = new["RandomPassword"]
            secrets.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=json.dumps(value),
                                     VersionStages=["AWSPENDING"])
    elif event["Step"] == "setSecret":
        value = json.loads(secrets.get_secret_value(SecretId=arn, VersionStage="AWSPENDING")["SecretString"])
        boto3.client("rds").modify_db_instance(DBInstanceIdentifier=os.environ["DATABASE"],
                                               MasterUserPassword=value["password"], ApplyImmediately=True)
    elif event["Step"] == "finishSecret":
        current = next(version for version, stages in versions.items() if "AWSCURRENT" in stages)
        secrets.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                            RemoveFromVersionId=current)
"""


def reference(secret: str, key: str = "") -> dict[str, Any]:
    suffix = f":SecretString:{key}::}}}}" if key else "}}"
    return {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": secret}, suffix]]}


def data(name: str, parameters: dict[str, str] | None = None, **database: Any) -> dict[str, Any]:
    """Returns a template with a database, a cache and their secrets."""
    generated = {"GenerateStringKey": "password", "ExcludePunctuation": True, "PasswordLength": 30}
    generated["SecretStringTemplate"] = json.dumps({"username": "app"})
    url = ["rediss://:", reference("Token"), "@", {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}, ":"]
    url += [{"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Port"]}, "/0"]
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "Secret": ("SecretsManager::Secret", {"GenerateSecretString": generated}),
        "Token": (
            "SecretsManager::Secret",
            {"GenerateSecretString": {"ExcludePunctuation": True, "PasswordLength": 40}},
        ),
        "Parameters": (
            "RDS::DBParameterGroup",
            {"Family": "postgres18", "Description": "test", "Parameters": parameters or {"rds.force_ssl": "1"}},
        ),
        "Database": (
            "RDS::DBInstance",
            {
                "DBInstanceIdentifier": name,
                "Engine": "postgres",
                "EngineVersion": "18.1",
                "DBInstanceClass": "db.t4g.micro",
                "AllocatedStorage": "20",
                "DBName": "app",
                "MasterUsername": reference("Secret", "username"),
                "MasterUserPassword": reference("Secret", "password"),
                "DBParameterGroupName": {"Ref": "Parameters"},
                "StorageEncrypted": True,
                "DeletionProtection": True,
                "BackupRetentionPeriod": 7,
                **database,
            },
        ),
        "Attachment": (
            "SecretsManager::SecretTargetAttachment",
            {"SecretId": {"Ref": "Secret"}, "TargetId": {"Ref": "Database"}, "TargetType": "AWS::RDS::DBInstance"},
        ),
        "Cache": (
            "ElastiCache::ReplicationGroup",
            {
                "ReplicationGroupId": name,
                "ReplicationGroupDescription": "test",
                "Engine": "redis",
                "EngineVersion": "7.1",
                "CacheNodeType": "cache.t4g.micro",
                "NumCacheClusters": 2,
                "AutomaticFailoverEnabled": True,
                "TransitEncryptionEnabled": True,
                "AtRestEncryptionEnabled": True,
                "AuthToken": reference("Token"),
            },
        ),
        "Url": ("SecretsManager::Secret", {"SecretString": {"Fn::Join": ["", url]}}),
    }
    made: dict[str, Any] = {
        key: {"Type": f"AWS::{kind}", "Properties": props} for key, (kind, props) in resources.items()
    }
    made["Database"]["DeletionPolicy"] = "Snapshot"
    return {"Resources": made}


@pytest.fixture(scope="module")
def name(cloud: Cloud) -> str:
    made = unique("data")
    cloud.deploy(data(made), made)
    return made


@pytest.fixture
def stack(cloud: Cloud, name: str) -> dict[str, str]:
    """The physical IDs of the stack's resources by logical ID."""
    found = cloud.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def value(cloud: Cloud, secret: str, stage: str = "AWSCURRENT") -> str:
    found: str = cloud.client("secretsmanager").get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"]
    return found


def credentials(cloud: Cloud, stack: dict[str, str], stage: str = "AWSCURRENT") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value(cloud, stack["Secret"], stage))
    return found


def ask(cloud: Cloud, login: dict[str, Any], statement: str, mode: str = "verify-full") -> str:
    """Returns a value from the database."""
    connection = psycopg2.connect(
        host=login["host"],
        port=login["port"],
        dbname=login["dbname"],
        user=login["username"],
        password=login["password"],
        sslmode=mode,
        sslrootcert=str(cloud.state / "run" / "ca" / "ca.pem"),
        connect_timeout=5,
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
        assert row is not None
        return str(row[0])


def test_a_login_with_the_attached_secret_has_a_verified_certificate(cloud: Cloud, stack: dict[str, str]) -> None:
    login = credentials(cloud, stack)
    assert {"engine", "host", "port", "dbname", "username", "password"} <= set(login)
    assert ask(cloud, login, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "True"
    assert ask(cloud, login, "SHOW server_version_num").startswith("18")


def test_a_connection_without_tls_is_refused(cloud: Cloud, stack: dict[str, str]) -> None:
    with pytest.raises(psycopg2.OperationalError, match="no encryption"):
        ask(cloud, credentials(cloud, stack), "SELECT 1", mode="disable")


def test_a_changed_parameter_is_applied_to_the_server_and_the_secret_keeps_its_value(
    cloud: Cloud, name: str, stack: dict[str, str]
) -> None:
    before = credentials(cloud, stack)
    changed = {"rds.force_ssl": "0", "log_min_duration_statement": "501"}
    cloud.deploy(data(name, changed, BackupRetentionPeriod=3), name)
    assert credentials(cloud, stack) == before
    until("connections without TLS are accepted", lambda: reached(cloud, before))
    until(
        "new connections have the parameter",
        lambda: ask(cloud, before, "SHOW log_min_duration_statement") == "501ms",
    )
    instance = cloud.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert instance["BackupRetentionPeriod"] == 3
    assert instance["StorageEncrypted"] is True
    cloud.deploy(data(name), name)
    until("connections without TLS are refused again", lambda: not reached(cloud, before))


def reached(cloud: Cloud, login: dict[str, Any]) -> bool:
    try:
        return ask(cloud, login, "SELECT 1", mode="disable") == "1"
    except psycopg2.OperationalError:
        return False


def test_data_survives_a_reboot(cloud: Cloud, name: str, stack: dict[str, str]) -> None:
    login, rds = credentials(cloud, stack), cloud.client("rds")
    table = unique("kept").replace("-", "_")
    with closing(
        psycopg2.connect(host=login["host"], dbname="app", user="app", password=login["password"], sslmode="require")
    ) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE TABLE {table} AS SELECT 1 AS one")
    rds.reboot_db_instance(DBInstanceIdentifier=name)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 1})
    assert ask(cloud, login, f"SELECT one FROM {table}") == "1"


def test_the_rotation_function_changes_the_password_in_the_server(
    cloud: Cloud, name: str, stack: dict[str, str]
) -> None:
    template = data(name)
    environment = {"Variables": {"DATABASE": {"Ref": "Database"}}}
    template["Resources"] |= {
        "Role": role(allow(["secretsmanager:*", "rds:*"]), service="lambda.amazonaws.com"),
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Timeout": 60,
                "Code": {"ZipFile": ROTATE},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": environment,
            },
        },
        "Schedule": {
            "Type": "AWS::SecretsManager::RotationSchedule",
            "DependsOn": ["Attachment"],
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "RotationLambdaARN": {"Fn::GetAtt": ["Function", "Arn"]},
                "RotationRules": {"AutomaticallyAfterDays": 30},
            },
        },
    }
    before = credentials(cloud, stack)
    cloud.deploy(template, name)
    until("another password", lambda: credentials(cloud, stack)["password"] != before["password"], seconds=90)
    assert ask(cloud, credentials(cloud, stack), "SELECT 1") == "1"
    assert credentials(cloud, stack, "AWSPREVIOUS") == before
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        ask(cloud, before, "SELECT 1")
    described = cloud.client("secretsmanager").describe_secret(SecretId=stack["Secret"])
    assert described["RotationEnabled"] is True


def test_the_cache_requires_tls_and_the_token(cloud: Cloud, stack: dict[str, str]) -> None:
    url = urllib.parse.urlsplit(value(cloud, stack["Url"]))
    context = ssl.create_default_context(cafile=str(cloud.state / "run" / "ca" / "ca.pem"))
    plain = socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=5)
    with context.wrap_socket(plain, server_hostname=url.hostname) as connection:
        connection.sendall(b"PING\r\n")
        assert b"NOAUTH" in connection.recv(200)
        connection.sendall(f"AUTH {url.password}\r\n".encode())
        assert connection.recv(200) == b"+OK\r\n"
        connection.sendall(b"PING\r\n")
        assert connection.recv(200) == b"+PONG\r\n"


def test_a_cache_without_its_image_fails_instead_of_having_an_invented_endpoint(cloud: Cloud) -> None:
    cache = {
        "ReplicationGroupId": unique("old"),
        "ReplicationGroupDescription": "test",
        "Engine": "redis",
        "EngineVersion": "3.2.6",
        "CacheNodeType": "cache.t4g.micro",
    }
    template = {"Resources": {"Cache": {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": cache}}}
    with pytest.raises(AssertionError, match=r"redis:3-alpine is not on this machine.*docker pull"):
        cloud.deploy(template)


def test_deletion_protection_prevents_deletion_and_without_it_a_snapshot_remains(cloud: Cloud) -> None:
    name = unique("protected")
    template = data(name)
    for unused in ("Cache", "Url", "Token"):
        del template["Resources"][unused]
    cloud.deploy(template, name)
    rds = cloud.client("rds")
    assert cloud.delete(name) == "DELETE_FAILED"
    assert any("DeletionProtection" in why for why in cloud.failures(name))
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
    assert cloud.delete(name) == "DELETE_COMPLETE"
    snapshots = rds.describe_db_snapshots(DBInstanceIdentifier=name)["DBSnapshots"]
    assert [snapshot["DBInstanceIdentifier"] for snapshot in snapshots] == [name]
