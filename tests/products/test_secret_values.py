"""The loader refuses a secret's value in a manifest, and does not repeat it in its message."""

from __future__ import annotations

from pathlib import Path

import pytest

from products.secrets import looks_secret, never_public, secret_kind
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
    "a mail service's key": "SG." + "abcdefghijklmnop0123.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "a signed token": "eyJhbGciOiJIUzI1NiJ9." + "eyJyb2xlIjoic2VydmljZSJ9.c2lnbmF0dXJlLW9mLXRoaXM",
    "a random value": "q8Zr2Lw9Tn4Vb7Xc1" + "Mk5Hd3Js6Pf0Gy",
}


@pytest.mark.parametrize(("kind", "value"), PASTED.items(), ids=list(PASTED))
def test_a_secret_in_the_variables_is_refused(tmp_path: Path, kind: str, value: str) -> None:
    public = "" if never_public(value) else "; if it is no secret, write WEBHOOK: {public: …}"

    assert complaints(tmp_path, edited((SETTINGS, f"  WEBHOOK: {value!r}"))) == [
        (
            f"allthrive.yaml:73: variables.WEBHOOK: this looks like {kind}; put the value into Secrets Manager and "
            f"write its name under secrets: WEBHOOK: {{name: allthrive/…}}{public}"
        )
    ]


@pytest.mark.parametrize("kind", ["an AWS access key", "a GitHub token", "a random value"])
def test_a_secret_in_place_of_its_name_is_refused(tmp_path: Path, kind: str) -> None:
    text = edited(("variables:\n", f"secrets:\n  OPENAI_API_KEY: {{name: {PASTED[kind]}}}\nvariables:\n"))

    assert complaints(tmp_path, text) == [
        (
            f"allthrive.yaml:73: secrets.OPENAI_API_KEY.name: this looks like {kind}; write the secret's name in "
            "Secrets Manager, e.g. allthrive/openai, keep its value out of git, and change it now "
            "if it was ever committed"
        )
    ]


def test_a_secret_in_place_of_its_keys_is_refused(tmp_path: Path) -> None:
    text = edited(("variables:\n", f"secrets:\n  OPENAI_API_KEY: {PASTED['a GitHub token']}\nvariables:\n"))

    assert complaints(tmp_path, text) == [
        (
            "allthrive.yaml:73: secrets.OPENAI_API_KEY: expected keys and values, got a GitHub token, not shown here; "
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
def test_a_word_under_a_secrets_name_is_a_secret(name: str) -> None:
    assert secret_kind(name, "hunter2") == "a secret, by its name"


# Settings of Django and its packages whose names speak of secrets.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_ROTATE_REFRESH_TOKENS", "true"),
        ("USE_TOKEN", "yes"),
        ("BLACKLIST_TOKENS", "False"),
        ("ALLOW_PASSWORD", "off"),
        ("REQUIRE_API_KEY", "disabled"),
        ("OPENAI_MAX_TOKENS", "4096"),
        ("MAX_TOKENS", "-1"),
        ("LIFETIME_OF_ACCESS_TOKEN", "15m"),
        ("EXPIRY_OF_TOKEN", "PT15M"),
        ("DEFAULT_TOKEN", "rest_framework.authtoken.models.Token"),
        ("JWT_PRIVATE_KEY", "/run/secrets/jwt.pem"),
        ("OAUTH_TOKEN", "https://auth.example.com/oauth/token"),
        ("DATABASE_SECRET", "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/db-AbCdEf"),
        ("ACCESS_TOKEN_LIFETIME", "5"),
        ("PASSWORD_HASHERS", "django.contrib.auth.hashers.Argon2PasswordHasher"),
        ("PASSWORD_RESET_TIMEOUT", "259200"),
        ("TOKEN_HEADER", "X-Auth-Token"),
        ("PRIVATE_MODE", "strict"),
        ("KEYBOARD", "qwerty"),
        ("API_KEY", ""),
    ],
)
def test_a_flag_a_number_a_path_or_a_name_is_never_a_secret(name: str, value: str) -> None:
    assert secret_kind(name, value) is None


# Invented, in the form of each service, and split so that no scanner mistakes them for real ones.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_KEY", "pk_live_" + "51AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"),
        ("STRIPE_KEY", "pk_test_" + "51AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"),
        ("POSTHOG_API_KEY", "phc_" + "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3AbCd"),
        ("MAPBOX_ACCESS_TOKEN", "pk." + "eyJ1Ijoic2hvcCIsImEiOiJja" + "zAxMjM0NTYifQ.AbCdEf0123456789_-Gh"),
        ("SENTRY_DSN", "https://0123456789abcdef0123456789abcdef@o123456.ingest.us.sentry.io/4501234567890123"),
        (
            "VAPID_PUBLIC_KEY",
            "B" + "Nq8Zr2Lw9Tn4Vb7Xc1Mk5Hd3Js6Pf0GyQaWsEdRfTgYhUjIkOlPzXcVbNmAsDfGhJkLqWeRtYuIoPa1S2d3",
        ),
        ("RECAPTCHA_SITE_KEY", "6Lc" + "AbCdEfAAAAAGhIjKlMnOpQrStUvWxYz012345"),
        ("RECAPTCHA_PUBLIC_KEY", "6Lc" + "AbCdEfAAAAAGhIjKlMnOpQrStUvWxYz012345"),
        ("GOOGLE_MAPS_API_KEY", "AIza" + "SyA0123456789abcdefghijklmnopqrstuv"),
        ("FIREBASE_API_KEY", "AIza" + "SyA0123456789abcdefghijklmnopqrstuv"),
        ("ALGOLIA_SEARCH_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("SUPABASE_KEY", "sb_publishable_" + "AbCdEfGhIjKlMnOpQrStUv_0123456"),
        ("SUPABASE_ANON_KEY", "eyJhbGciOiJIUzI1NiJ9." + "eyJyb2xlIjoiYW5vbiIsImlzcyI6.c2lnbmF0dXJlLW9mLXRoaXM"),
        ("DATADOG_CLIENT_TOKEN", "pub" + "0123456789abcdef0123456789abcdef"),
    ],
)
def test_a_key_that_its_service_publishes_is_accepted(name: str, value: str) -> None:
    assert secret_kind(name, value) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_KEY", "sk_live_" + "51AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"),
        ("STRIPE_KEY", "rk_live_" + "51AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"),
        ("GEMINI_API_KEY", "AIza" + "SyA0123456789abcdefghijklmnopqrstuv"),
        ("RECAPTCHA_PRIVATE_KEY", "6Lc" + "AbCdEfAAAAAGhIjKlMnOpQrStUvWxYz012345"),
        ("ALGOLIA_ADMIN_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("VAPID_PRIVATE_KEY", "q8Zr2Lw9Tn4Vb7Xc1Mk5Hd3Js6Pf0GyQaWsEdRfTgY"),
        ("STRIPE_PUBLIC_KEY", "sk_live_" + "51AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"),
        ("SENTRY_DSN", "https://0123456789abcdef0123456789abcdef:" + "fedcba98@o1.ingest.sentry.io/1"),
    ],
)
def test_the_secret_twin_of_a_published_key_is_refused(name: str, value: str) -> None:
    assert secret_kind(name, value)


@pytest.mark.parametrize("kind", ["a random value", "a signed token", "an address with a password in it"])
def test_a_value_that_is_said_to_be_public_is_accepted(tmp_path: Path, kind: str) -> None:
    assert complaints(tmp_path, edited((SETTINGS, f"  DEMO_KEY: {{public: {PASTED[kind]!r}}}"))) == []


@pytest.mark.parametrize("kind", ["an AWS access key", "a GitHub token", "a private key"])
def test_what_nobody_publishes_is_refused_even_as_public(tmp_path: Path, kind: str) -> None:
    (message,) = complaints(tmp_path, edited((SETTINGS, f"  DEMO_KEY: {{public: {PASTED[kind]!r}}}")))

    assert f"variables.DEMO_KEY: this looks like {kind}, which nobody publishes" in message


def test_a_misspelled_public_is_corrected(tmp_path: Path) -> None:
    assert complaints(tmp_path, edited((SETTINGS, "  DEMO_KEY: {publik: a}"))) == [
        "allthrive.yaml:73: variables.DEMO_KEY.public: missing",
        "allthrive.yaml:73: variables.DEMO_KEY.publik: unknown key; did you mean 'public'?",
    ]


# A reference may stand for the secret, but not beside one.
@pytest.mark.parametrize(
    "value", ["postgresql://app:hunter2@${database.host}/x", "redis://:hunter2${cache.token}@${cache.host}"]
)
def test_a_password_beside_a_reference_is_refused(tmp_path: Path, value: str) -> None:
    (message,) = complaints(tmp_path, edited((SETTINGS, f"  ADDRESS: {value}")))

    assert "variables.ADDRESS: this looks like an address with a password in it" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADDRESS", "postgresql://${database.user}:${database.password}@${database.host}/x"),
        ("POSTGRES_PASSWORD", "${database.password}"),
        ("DJANGO_SECRET_KEY", "${secret_key}"),
        ("CELERY_TOKEN", "${cache.token}"),
    ],
)
def test_a_reference_is_no_pasted_secret(tmp_path: Path, name: str, value: str) -> None:
    assert complaints(tmp_path, edited((SETTINGS, f"  {name}: {value}"))) == []
