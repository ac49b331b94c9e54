"""Scheduled rotation of the database password."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.synthesis import Json, listed, statements, synthesis

# The construct needs the services of this stack, so the tests examine it there.
STACK = "production-allthrive-services"


def rights() -> dict[str, Json]:
    return {
        statement["Sid"]: statement
        for place, statement in statements(synthesis()[STACK])
        if place.startswith("PasswordRotationHandlerRoleDefaultPolicy")
    }


def function() -> dict[str, Any]:
    return synthesis().resource("AWS::Lambda::Function", STACK)


def test_only_secrets_manager_may_invoke_it() -> None:
    permission = synthesis().resource("AWS::Lambda::Permission", STACK)

    assert permission["Principal"] == "secretsmanager.amazonaws.com"


def test_a_deployment_does_not_rotate_the_password() -> None:
    schedule = synthesis().resource("AWS::SecretsManager::RotationSchedule", STACK)

    assert schedule["RotateImmediatelyOnUpdate"] is False


def test_its_environment_contains_the_database_the_url_secret_and_the_services() -> None:
    assert set(function()["Environment"]["Variables"]) >= {"HOST", "USERS", "URL_SECRET_ARN", "CLUSTER", "SERVICES"}


def test_it_rotates_the_applications_user_and_not_the_master() -> None:
    schedule = synthesis().resource("AWS::SecretsManager::RotationSchedule", STACK)

    assert "DatabaseUsersCredentials" in schedule["SecretId"]["Fn::ImportValue"]
    assert set(listed(rights()["Master"]["Action"])) == {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize(
    ("sid", "actions"),
    [
        ("Url", {"secretsmanager:PutSecretValue"}),
        ("Restart", {"ecs:UpdateService"}),
    ],
)
def test_it_may_use_only_the_actions_and_resources_that_it_needs(sid: str, actions: set[str]) -> None:
    statement = rights()[sid]

    assert set(listed(statement["Action"])) == actions
    assert "*" not in listed(statement["Resource"])
