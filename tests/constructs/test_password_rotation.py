"""Scheduled rotation of the database password."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.synthesis import Json, listed, statements, synthesis

# The construct needs the services of this stack, so the tests examine it there.
STACK = "production-allthrive-services"


def rights(changes: Json | None = None) -> dict[str, Json]:
    return {
        statement["Sid"]: statement
        for place, statement in statements(synthesis(changes)[STACK])
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


def test_its_environment_contains_the_database_the_composed_secrets_and_the_services() -> None:
    assert set(function()["Environment"]["Variables"]) >= {"HOST", "USERS", "COMPOSED", "CLUSTER", "SERVICES"}


VARIABLES = {
    "BROKER": "db+${database.url}",
    "LOGIN": "${database.user} ${cache.token}",
    "POSTGRES_PASSWORD": "${database.password}",
    "CACHE": "${cache.url}/1",
}


def composed(changes: Json | None = None) -> list[Json]:
    """The composed secrets that the function gets, with one word for each ARN and address."""
    text = synthesis(changes).resource("AWS::Lambda::Function", STACK)["Environment"]["Variables"]["COMPOSED"]
    parts = [part if isinstance(part, str) else word(part) for part in text["Fn::Join"][1]]
    found: list[Json] = json.loads("".join(parts))
    return found


def word(part: Json) -> str:
    name = str(part.get("Ref") or str(part["Fn::ImportValue"]).partition(":")[2])
    return next(known for known in ("Composed", "DatabaseUrl", "CacheToken", "Database") if known in name)


def test_it_composes_every_secret_with_the_login_again_and_no_other() -> None:
    assert [secret["secret"] for secret in composed()] == ["DatabaseUrl"]
    assert [secret["secret"] for secret in composed({"variables": VARIABLES})] == [
        "DatabaseUrl",
        "Composed",
        "Composed",
    ]


def test_it_gets_the_login_by_key_and_other_secrets_by_their_arn() -> None:
    by_text = {str(secret["parts"][0]): secret["parts"] for secret in composed({"variables": VARIABLES})}

    assert by_text["db+postgresql://"][1:4:2] == [
        {"key": "username", "in_address": True},
        {"key": "password", "in_address": True},
    ]
    assert by_text["{'key': 'username'}"] == [{"key": "username"}, " ", {"secret": "CacheToken"}]


def test_it_may_read_another_secret_only_if_one_that_it_composes_contains_it() -> None:
    assert "OtherParts" not in rights()
    assert "OtherParts" not in rights({"variables": {"BROKER": "db+${database.url}", "CACHE": "${cache.url}/1"}})
    mixed = rights({"variables": VARIABLES})["OtherParts"]
    assert listed(mixed["Action"]) == ["secretsmanager:GetSecretValue"]
    assert ["CacheToken" in str(resource) for resource in listed(mixed["Resource"])] == [True]


def test_it_may_write_only_the_secrets_that_it_composes() -> None:
    written = listed(rights({"variables": VARIABLES})["Composed"]["Resource"])

    assert len(written) == 3
    assert not [resource for resource in written if "ComposedCacheUrl" in str(resource)]


def test_it_rotates_the_applications_user_and_not_the_master() -> None:
    schedule = synthesis().resource("AWS::SecretsManager::RotationSchedule", STACK)

    assert "DatabaseUsersCredentials" in schedule["SecretId"]["Fn::ImportValue"]
    assert set(listed(rights()["Master"]["Action"])) == {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize(
    ("sid", "actions"),
    [
        ("Composed", {"secretsmanager:PutSecretValue"}),
        ("Restart", {"ecs:UpdateService"}),
    ],
)
def test_it_may_use_only_the_actions_and_resources_that_it_needs(sid: str, actions: set[str]) -> None:
    statement = rights()[sid]

    assert set(listed(statement["Action"])) == actions
    assert "*" not in listed(statement["Resource"])
