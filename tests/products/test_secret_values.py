"""A secret's value has no place in a manifest, and is not repeated when it is found in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from products.secrets import looks_secret, names_a_secret
from tests.support.manifests import complaints, edited

SETTINGS = "  DJANGO_SETTINGS_MODULE: config.settings"
# Made up, and put together here so that no scanner takes them for real ones.
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
def test_refuses_a_secret_among_the_variables(tmp_path: Path, kind: str, value: str) -> None:
    assert complaints(tmp_path, edited((SETTINGS, f"  WEBHOOK: {value!r}"))) == [
        (
            f"allthrive.yaml:69: variables.WEBHOOK: this looks like {kind}; put the value into Secrets Manager and "
            "write its name under secrets: WEBHOOK: {name: allthrive/…}"
        )
    ]


@pytest.mark.parametrize("kind", ["an AWS access key", "a GitHub token", "a random value"])
def test_refuses_a_secret_where_its_name_belongs(tmp_path: Path, kind: str) -> None:
    text = edited(("variables:\n", f"secrets:\n  OPENAI_API_KEY: {{name: {PASTED[kind]}}}\nvariables:\n"))

    assert complaints(tmp_path, text) == [
        (
            f"allthrive.yaml:69: secrets.OPENAI_API_KEY.name: this looks like {kind}; write the secret's name in "
            "Secrets Manager, e.g. allthrive/openai, keep its value out of git, and change it now "
            "if it was ever committed"
        )
    ]


def test_refuses_a_secret_in_place_of_its_keys(tmp_path: Path) -> None:
    text = edited(("variables:\n", f"secrets:\n  OPENAI_API_KEY: {PASTED['a GitHub token']}\nvariables:\n"))

    assert complaints(tmp_path, text) == [
        (
            "allthrive.yaml:69: secrets.OPENAI_API_KEY: expected keys and values, got a GitHub token, not shown here; "
            "change it now if it was ever committed; its keys are: name, key"
        )
    ]


@pytest.mark.parametrize("value", PASTED.values(), ids=list(PASTED))
@pytest.mark.parametrize("line", ["  WEBHOOK: {}", "  WEBHOOK: {{name: {}}}", "  WEBHOOK: [{}]"])
def test_never_repeats_a_secret(tmp_path: Path, line: str, value: str) -> None:
    said = complaints(tmp_path, edited((SETTINGS, line.format(repr(value)))))

    assert said
    assert value not in "\n".join(said)


def test_refuses_a_variable_whose_name_says_that_it_is_secret(tmp_path: Path) -> None:
    (said,) = complaints(tmp_path, edited((SETTINGS, "  STRIPE_API_KEY: hello")))

    assert "variables.STRIPE_API_KEY: this looks like a secret, by its name" in said


@pytest.mark.parametrize("place", ["staging", "production"])
def test_refuses_a_secret_among_an_environments_variables(tmp_path: Path, place: str) -> None:
    token = PASTED["a GitHub token"]
    (said,) = complaints(tmp_path, edited((f"  {place}:\n", f"  {place}:\n    variables: {{HOOK: {token}}}\n")))

    assert f"environments.{place}.variables.HOOK: this looks like a GitHub token" in said


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
def test_takes_ordinary_values(value: str) -> None:
    assert looks_secret(value) is None


@pytest.mark.parametrize("name", ["PASSWORD", "DB_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "openai_api_key"])
def test_knows_a_secret_by_its_name(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["PASSWORD_RESET_TIMEOUT", "TOKEN_LIFETIME_MINUTES", "PRIVATE_MODE", "KEYBOARD"])
def test_takes_a_setting_about_secrets_for_what_it_is(name: str) -> None:
    assert not names_a_secret(name)
