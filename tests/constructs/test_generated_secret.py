"""A secret with a value that Secrets Manager generates."""

from __future__ import annotations

import json

import pytest
from aws_cdk.assertions import Template

from slipway.generated_secret import GeneratedSecret
from tests.support.stack import empty_stack, only, properties

KIND = "AWS::SecretsManager::Secret"


def secret(*, username: str | None = None, keep: bool = True) -> Template:
    stack = empty_stack()
    GeneratedSecret(stack, "Secret", description="any", length=48, keep=keep, username=username)
    return Template.from_stack(stack)


def test_consists_of_letters_and_digits() -> None:
    assert properties(secret(), KIND)["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 48}


def test_with_a_username_is_json_with_username_and_password() -> None:
    generated = properties(secret(username="app"), KIND)["GenerateSecretString"]

    assert json.loads(generated["SecretStringTemplate"]) == {"username": "app"}
    assert generated["GenerateStringKey"] == "password"


@pytest.mark.parametrize("username", [None, "app"])
def test_has_no_value_in_the_template(username: str | None) -> None:
    assert "SecretString" not in properties(secret(username=username), KIND)


@pytest.mark.parametrize(("keep", "policy"), [(True, "Retain"), (False, "Delete")])
def test_is_retained_if_data_are_kept(keep: bool, policy: str) -> None:
    assert only(secret(keep=keep), KIND)["DeletionPolicy"] == policy
