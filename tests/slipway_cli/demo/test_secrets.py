"""The demo creates placeholders for secrets that an operator creates on AWS."""

from __future__ import annotations

import json

import pytest

from localcloud.settings import Settings
from localcloud.testing.plain import Plain, plain
from products import Product
from slipway_cli.demo import secrets
from tests.support.manifests import product

__all__ = ["plain"]
pytestmark = pytest.mark.local


@pytest.fixture(name="place")
def _place(plain: Plain) -> Settings:
    return Settings(port=plain.port, state=plain.state, docker=False)


def value(plain: Plain, name: str) -> str:
    return str(plain.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def naming(*named: dict[str, str]) -> Product:
    return product({"secrets": {f"SECRET_{index}": secret for index, secret in enumerate(named)}})


def test_a_secret_with_one_value_is_created_once(plain: Plain, place: Settings) -> None:
    demo = naming({"name": "demo/mail"})

    assert secrets.create_missing(place, demo) == ["demo/mail"]
    first = value(plain, "demo/mail")
    assert secrets.create_missing(place, demo) == []
    assert first.startswith("placeholder-")
    assert value(plain, "demo/mail") == first


def test_the_keys_of_one_secret_are_created_together(plain: Plain, place: Settings) -> None:
    secrets.create_missing(place, naming({"name": "demo/pay", "key": "id"}, {"name": "demo/pay", "key": "token"}))

    assert set(json.loads(value(plain, "demo/pay"))) == {"id", "token"}


def test_what_an_operator_created_is_kept(plain: Plain, place: Settings) -> None:
    plain.client("secretsmanager").create_secret(Name="demo/own", SecretString="mine")

    assert secrets.create_missing(place, naming({"name": "demo/own"})) == []
    assert value(plain, "demo/own") == "mine"


def test_the_secrets_of_image_builds_are_created(plain: Plain, place: Settings) -> None:
    keys = {"build_secrets": "demo/npm", "candidate_secrets": "demo/candidates"}
    demo = product({f"images.backend.{key}": {"npm_token": {"name": name}} for key, name in keys.items()})

    assert secrets.create_missing(place, demo) == ["demo/candidates", "demo/npm"]


def test_a_product_without_secrets_creates_none(place: Settings) -> None:
    assert secrets.create_missing(place, product()) == []
