"""PostgreSQL on RDS."""

from __future__ import annotations

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.database import InstanceSettings, PostgresDatabase
from tests.support.stack import any_vpc, empty_stack, only, properties
from tests.support.synthesis import Json

INSTANCE = "AWS::RDS::DBInstance"


def database(*, version: str = "18", keep: bool = True, sslmode: str = "verify-full") -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    PostgresDatabase(
        stack,
        "Database",
        vpc=vpc,
        clients=ec2.SecurityGroup(stack, "Clients", vpc=vpc),
        settings=InstanceSettings(
            version=version,
            instance_class="db.t4g.micro",
            storage_gb=20,
            maximum_storage_gb=None,
            multi_az=False,
            backup_days=7,
            deletion_protection=True,
        ),
        database_name="shop",
        username="app",
        keep=keep,
        sslmode=sslmode,
        log_retention=logs.RetentionDays.ONE_WEEK,
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


def test_has_automatic_backups(kept: Template) -> None:
    assert properties(kept, INSTANCE)["BackupRetentionPeriod"] == 7


def test_applies_minor_versions_automatically(kept: Template) -> None:
    assert properties(kept, INSTANCE)["AutoMinorVersionUpgrade"] is True


def test_logs_slow_statements(kept: Template) -> None:
    assert properties(kept, INSTANCE)["EnableCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    assert properties(kept, "AWS::RDS::DBParameterGroup")["Parameters"]["log_min_duration_statement"] == "1000"


def test_admits_its_clients_and_the_functions_that_manage_users(kept: Template) -> None:
    rules = [ingress["Properties"] for ingress in kept.find_resources("AWS::EC2::SecurityGroupIngress").values()]
    sources = sorted(rule["SourceSecurityGroupId"]["Fn::GetAtt"][0] for rule in rules)

    assert len(sources) == 2
    assert sources[0].startswith("Clients")
    assert sources[1].startswith("DatabaseUsersSecurityGroup")
    assert {rule["ToPort"] for rule in rules} == {5432}


def test_leaves_a_final_snapshot(kept: Template) -> None:
    found = only(kept, INSTANCE)

    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    assert found["Properties"]["DeleteAutomatedBackups"] is False


def test_leaves_nothing_without_keep() -> None:
    found = only(database(keep=False), INSTANCE)

    assert found["DeletionPolicy"] == "Delete"
    assert found["Properties"]["DeleteAutomatedBackups"] is True


def test_uses_the_password_in_the_generated_secret(kept: Template) -> None:
    parts = properties(kept, INSTANCE)["MasterUserPassword"]["Fn::Join"][1]

    assert parts[0] == "{{resolve:secretsmanager:"
    assert parts[-1] == ":SecretString:password::}}"


def address(template: Template) -> Json:
    """The secret that holds the address."""
    (url,) = [
        secret
        for secret in template.find_resources("AWS::SecretsManager::Secret").values()
        if "SecretString" in secret["Properties"]
    ]
    return dict(url)


@pytest.mark.parametrize("sslmode", ["verify-full", "require"])
def test_composes_its_url_from_references_to_the_applications_user(sslmode: str) -> None:
    parts = address(database(sslmode=sslmode))["Properties"]["SecretString"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "…" for part in parts)

    user, password = (f"{{{{resolve:secretsmanager:…:SecretString:{key}::}}}}" for key in ("username", "password"))
    assert text == f"postgresql://{user}:{password}@…:…/shop?sslmode={sslmode}"
    assert {part["Ref"][:24] for part in parts if "Ref" in part} == {"DatabaseUsersCredentials"}


def test_writes_its_url_after_the_application_can_log_in(kept: Template) -> None:
    (users,) = kept.find_resources("Custom::DatabaseUsers")

    assert users in address(kept)["DependsOn"]


def test_creates_users_other_than_the_master(kept: Template) -> None:
    variables = properties(kept, "AWS::Lambda::Function")["Environment"]["Variables"]

    assert (variables["OWNER"], variables["USERS"]) == ("app_owner", "app_1,app_2")
    assert variables["ADMINISTRATOR_SECRET_ARN"] != variables["APPLICATION_SECRET_ARN"]


@pytest.mark.parametrize(("version", "family"), [("18", "postgres18"), ("17.4", "postgres17")])
def test_uses_the_parameter_group_family_of_its_version(version: str, family: str) -> None:
    template = database(version=version)

    assert properties(template, "AWS::RDS::DBParameterGroup")["Family"] == family
    assert properties(template, INSTANCE)["EngineVersion"] == version
