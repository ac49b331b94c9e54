"""The loader refuses a secret's value in a manifest, and does not repeat it in its message."""

from __future__ import annotations

from pathlib import Path

import pytest

from products.secrets import is_secret_name, looks_secret
from tests.support.manifests import complaints, edited

SETTINGS = "  DJANGO_SETTINGS_MODULE: config.settings"
# Invented, and split in two so that no scanner mistakes them for real ones.
PASTED = {
    "an AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "an AWS secret key": "wJalrXUtnFEMI/" + "K7MDENG/bPxRfiCYEXAMPLEKEY",
    "a GitHub token": "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz",
    "a Slack token or webhook": "xoxb-" + "123456789012-abcdefghijkl",
    "a payment or AI service's key": "sk-" + "proj-abcdefghij0123456789",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "an address with a password in it": "postgresql://app:" + "hunter2@db.example.com/app",
    "a random value": "q8Zr2Lw9Tn4Vb7Xc1" + "Mk5Hd3Js6Pf0Gy",
}


@pytest.mark.parametrize(("kind", "value"), PASTED.items(), ids=list(PASTED))
def test_a_secret_in_the_variables_is_refused(tmp_path: Path, kind: str, value: str) -> None:
    assert complaints(tmp_path, edited((SETTINGS, f"  WEBHOOK: {value!r}"))) == [
        (
            f"allthrive.yaml:69: variables.WEBHOOK: this looks like {kind}; put the value into Secrets Manager and "
            "write its name under secrets: WEBHOOK: {name: allthrive/…}"
        )
    ]


@pytest.mark.parametrize("kind", ["an AWS access key", "a GitHub token", "a random value"])
def test_a_secret_in_place_of_its_name_is_refused(tmp_path: Path, kind: str) -> None:
    text = edited(("variables:\n", f"secrets:\n  OPENAI_API_KEY: {{name: {PASTED[kind]}}}\nvariables:\n"))

    assert complaints(tmp_path, text) == [
        (
            f"allthrive.yaml:69: secrets.OPENAI_API_KEY.name: this looks like {kind}; write the secret's name in "
            "Secrets Manager, e.g. allthrive/openai, keep its value out of git, and change it now "
            "if it was ever committed"
        )
    ]


def test_a_secret_in_place_of_its_keys_is_refused(tmp_path: Path) -> None:
    text = edited(("variables:\n", f"secrets:\n  OPENAI_API_KEY: {PASTED['a GitHub token']}\nvariables:\n"))

    assert complaints(tmp_path, text) == [
        (
            "allthrive.yaml:69: secrets.OPENAI_API_KEY: expected keys and values, got a GitHub token, not shown here; "
            "change it now if it was ever committed; its keys are: name, key"
        )
    ]


@pytest.mark.parametrize("value", PASTED.values(), ids=list(PASTED))
@pytest.mark.parametrize("line", ["  WEBHOOK: {}", "  WEBHOOK: {{name: {}}}", "  WEBHOOK: [{}]"])
def test_no_message_repeats_a_secret(tmp_path: Path, line: str, value: str) -> None:
    messages = complaints(tmp_path, edited((SETTINGS, line.format(repr(value)))))

    assert messages
    assert value not in "\n".join(messages)


def test_a_variable_with_a_secrets_name_is_refused(tmp_path: Path) -> None:
    (message,) = complaints(tmp_path, edited((SETTINGS, "  STRIPE_API_KEY: hello")))

    assert "variables.STRIPE_API_KEY: this looks like a secret, by its name" in message


@pytest.mark.parametrize("place", ["staging", "production"])
def test_a_secret_in_an_environments_variables_is_refused(tmp_path: Path, place: str) -> None:
    token = PASTED["a GitHub token"]
    (message,) = complaints(tmp_path, edited((f"  {place}:\n", f"  {place}:\n    variables: {{HOOK: {token}}}\n")))

    assert f"environments.{place}.variables.HOOK: this looks like a GitHub token" in message


@pytest.mark.parametrize(
    "value",
    [
        "config.settings",
        "/srv/allthrive/v2/media/uploads/2026",
        "https://allthrive.ai/api/v1/",
        "allthrive/production/openai-api-key",
        "arn:aws:sns:us-east-1:111122223333:orders",
        "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "123e4567-e89b-12d3-a456-426614174000",
        "redis://cache.example.com:6379/0",
        "",
    ],
)
def test_an_ordinary_value_does_not_look_secret(value: str) -> None:
    assert looks_secret(value) is None


@pytest.mark.parametrize("name", ["PASSWORD", "DB_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "openai_api_key"])
def test_a_secrets_name_is_recognized(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["PASSWORD_RESET_TIMEOUT", "TOKEN_LIFETIME_MINUTES", "PRIVATE_MODE", "KEYBOARD"])
def test_the_name_of_a_setting_about_secrets_is_not_a_secrets_name(name: str) -> None:
    assert not is_secret_name(name)
