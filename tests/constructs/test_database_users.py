"""The application's own users in a database."""

from __future__ import annotations

import json

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from slipway.database_users import DatabaseUsers
from tests.support.stack import any_vpc, empty_stack, only, properties
from tests.support.synthesis import Json


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    master = secretsmanager.Secret.from_secret_complete_arn(
        stack, "Master", "arn:aws:secretsmanager:us-east-1:111122223333:secret:master-abcdef"
    )
    instance = rds.DatabaseInstance(
        stack,
        "Instance",
        engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17),
        credentials=rds.Credentials.from_username("master"),
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_group_name="Data"),
    )
    DatabaseUsers(
        stack,
        "Users",
        vpc=vpc,
        instance=instance,
        master=master,
        port=5432,
        database_name="shop_db",
        prefix="shop",
        sslmode="verify-full",
        keep=True,
        log_retention=logs.RetentionDays.ONE_WEEK,
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def credentials(template: Template) -> Json:
    (found,) = [
        resource
        for resource in template.find_resources("AWS::SecretsManager::Secret").values()
        if "containers" in str(resource["Properties"].get("Description"))
    ]
    return dict(found)


@pytest.fixture(scope="module")
def variables(template: Template) -> Json:
    return dict(properties(template, "AWS::Lambda::Function")["Environment"]["Variables"])


def test_the_function_creates_two_users_and_the_role_that_they_act_as(variables: Json) -> None:
    assert (variables["OWNER"], variables["USERS"]) == ("shop_owner", "shop_1,shop_2")


def test_the_function_logs_in_as_the_master_to_the_named_database_with_its_certificate_verified(
    variables: Json,
) -> None:
    assert variables["ADMINISTRATOR_SECRET_ARN"].endswith(":secret:master-abcdef")
    assert (variables["DATABASE"], variables["SSLMODE"]) == ("shop_db", "verify-full")


def test_the_password_is_generated_and_stored_with_the_first_user(credentials: Json) -> None:
    generated = credentials["Properties"]["GenerateSecretString"]

    assert json.loads(generated["SecretStringTemplate"]) == {"username": "shop_1"}
    assert (generated["GenerateStringKey"], generated["PasswordLength"]) == ("password", 40)


def test_the_credentials_are_kept_with_the_data(credentials: Json) -> None:
    assert credentials["DeletionPolicy"] == "Retain"


def test_the_function_may_read_two_secrets_and_no_others(template: Template) -> None:
    statements = [
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "secretsmanager:GetSecretValue"
    ]

    assert [len(statement["Resource"]) for statement in statements] == [2]
    assert "*" not in str(statements)


def test_the_function_reports_when_the_users_are_created(template: Template) -> None:
    found = properties(template, "Custom::DatabaseUsers")
    (function,) = template.find_resources("AWS::Lambda::Function")

    assert found["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}
    assert (found["Database"], found["Owner"], found["ServiceTimeout"]) == ("shop_db", "shop_owner", "600")


def test_the_function_is_called_after_the_security_group_rules_exist(template: Template) -> None:
    rules = {
        *template.find_resources("AWS::EC2::SecurityGroupIngress"),
        *template.find_resources("AWS::EC2::SecurityGroupEgress"),
    }

    assert rules
    assert rules <= set(only(template, "Custom::DatabaseUsers")["DependsOn"])


def test_the_function_can_reach_https_and_the_databases_port_and_nothing_else(template: Template) -> None:
    (group,) = [
        resource["Properties"]
        for resource in template.find_resources("AWS::EC2::SecurityGroup").values()
        if resource["Properties"]["GroupDescription"] == "Functions that manage database users"
    ]
    inline = [
        (resource["CidrIp"], resource["FromPort"], resource["ToPort"]) for resource in group["SecurityGroupEgress"]
    ]
    between = [
        (resource["Properties"]["FromPort"], resource["Properties"]["ToPort"])
        for resource in template.find_resources("AWS::EC2::SecurityGroupEgress").values()
    ]

    assert inline == [("0.0.0.0/0", 443, 443)]
    assert set(between) <= {(5432, 5432)}
