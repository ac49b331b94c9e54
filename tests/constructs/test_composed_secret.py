"""A secret that is composed of texts and of other secrets."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Template

from slipway.composed_secret import ComposedSecret, SecretPart
from slipway.generated_secret import GeneratedSecret
from tests.support.stack import empty_stack
from tests.support.synthesis import Json


def secret(*, keep: bool = False) -> Json:
    stack = empty_stack()
    login = GeneratedSecret(stack, "Login", description="Login", length=40, keep=keep, username="app")
    token = GeneratedSecret(stack, "Token", description="Token", length=40, keep=keep)
    parts = ("amqps://", SecretPart(login, "username"), ":", SecretPart(token), "@host/a?b={c}")
    ComposedSecret(stack, "Composed", description="BROKER of the containers", parts=parts, keep=keep)
    (found,) = [
        resource
        for resource in Template.from_stack(stack).find_resources("AWS::SecretsManager::Secret").values()
        if "SecretString" in resource["Properties"]
    ]
    return dict(found)


def test_its_template_contains_references_in_place_of_the_values() -> None:
    parts = secret()["Properties"]["SecretString"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else f"<{part['Ref'][:5]}>" for part in parts)

    assert text == (
        "amqps://{{resolve:secretsmanager:<Login>:SecretString:username::}}:"
        "{{resolve:secretsmanager:<Token>:SecretString:::}}@host/a?b={c}"
    )


@pytest.mark.parametrize(("keep", "policy"), [(True, "Retain"), (False, "Delete")])
def test_it_is_kept_only_if_the_caller_says_so(keep: bool, policy: str) -> None:
    assert secret(keep=keep)["DeletionPolicy"] == policy


def test_it_knows_the_secrets_that_it_is_composed_of() -> None:
    stack = empty_stack()
    login = GeneratedSecret(stack, "Login", description="Login", length=40, keep=False, username="app")
    parts = (SecretPart(login, "username"), "x", SecretPart(login, "password"))

    composed = ComposedSecret(stack, "Composed", description="x", parts=parts, keep=False)

    assert composed.sources() == [login]
