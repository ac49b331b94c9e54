"""PostgreSQL on RDS."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from slipway.database import PostgresDatabase
from tests.support.stack import any_vpc, empty_stack, only, properties

INSTANCE = "AWS::RDS::DBInstance"


def database(**changes: Any) -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    settings: dict[str, Any] = {
        "version": "18",
        "database_name": "shop",
        "username": "app",
        "instance_class": "db.t4g.micro",
        "storage_gb": 20,
        "maximum_storage_gb": None,
        "multi_az": False,
        "backup_days": 7,
        "deletion_protection": True,
        "keep": True,
    }
    PostgresDatabase(
        stack, "Database", vpc=vpc, clients=ec2.SecurityGroup(stack, "Clients", vpc=vpc), **{**settings, **changes}
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def kept() -> Template:
    return database()


def test_is_encrypted_at_rest(kept: Template) -> None:
    assert properties(kept, INSTANCE)["StorageEncrypted"] is True


def test_forces_tls(kept: Template) -> None:
    assert properties(kept, "AWS::RDS::DBParameterGroup")["Parameters"]["rds.force_ssl"] == "1"
    assert "Ref" in properties(kept, INSTANCE)["DBParameterGroupName"]


def test_is_never_public(kept: Template) -> None:
    assert properties(kept, INSTANCE)["PubliclyAccessible"] is False


def test_backs_itself_up(kept: Template) -> None:
    assert properties(kept, INSTANCE)["BackupRetentionPeriod"] == 7


def test_takes_minor_versions_by_itself(kept: Template) -> None:
    assert properties(kept, INSTANCE)["AutoMinorVersionUpgrade"] is True


def test_tells_slow_statements(kept: Template) -> None:
    assert properties(kept, INSTANCE)["EnableCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    assert properties(kept, "AWS::RDS::DBParameterGroup")["Parameters"]["log_min_duration_statement"] == "1000"


def test_admits_its_clients_only(kept: Template) -> None:
    rule = properties(kept, "AWS::EC2::SecurityGroupIngress")

    assert rule["SourceSecurityGroupId"]["Fn::GetAtt"][0].startswith("Clients")


def test_leaves_a_final_snapshot(kept: Template) -> None:
    found = only(kept, INSTANCE)

    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    assert found["Properties"]["DeleteAutomatedBackups"] is False


def test_leaves_nothing_where_nothing_is_kept() -> None:
    found = only(database(keep=False), INSTANCE)

    assert found["DeletionPolicy"] == "Delete"
    assert found["Properties"]["DeleteAutomatedBackups"] is True


def test_takes_its_password_from_the_generated_secret(kept: Template) -> None:
    parts = properties(kept, INSTANCE)["MasterUserPassword"]["Fn::Join"][1]

    assert parts[0] == "{{resolve:secretsmanager:"
    assert parts[-1] == ":SecretString:password::}}"


def test_composes_its_address_from_references(kept: Template) -> None:
    (url,) = [
        it["Properties"]
        for it in kept.find_resources("AWS::SecretsManager::Secret").values()
        if "SecretString" in it["Properties"]
    ]
    text = "".join(part if isinstance(part, str) else "…" for part in url["SecretString"]["Fn::Join"][1])

    assert text == ("postgresql://app:{{resolve:secretsmanager:…:SecretString:password::}}@…:…/shop?sslmode=require")


@pytest.mark.parametrize(("version", "family"), [("18", "postgres18"), ("17.4", "postgres17")])
def test_takes_the_parameter_group_of_its_version(version: str, family: str) -> None:
    template = database(version=version)

    assert properties(template, "AWS::RDS::DBParameterGroup")["Family"] == family
    assert properties(template, INSTANCE)["EngineVersion"] == version
