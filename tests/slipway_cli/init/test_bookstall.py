"""The project in the layout of cookiecutter-django gets a manifest that does what the handwritten one does.

tests/end_to_end/bookstall takes the handwritten one through the demo and a push to release.
"""

from __future__ import annotations

import pytest

from paths import ROOT
from products import Product, load
from products.variables import containers
from slipway_cli.init.answers import Answers
from stacks.product import add_product
from tests.slipway_cli.init.conftest import ANSWERS, Init, Initialized
from tests.support.synthesis import app

BY_HAND = load("bookstall")
ASKED = Answers(**{**vars(ANSWERS), "domain": "bookstall.example", "hosted_zone": "Z0BOOKSTALL"})


@pytest.fixture(name="initialized")
def _initialized(init: Init) -> Initialized:
    return init(ROOT / "examples" / "bookstall", ASKED, name="bookstall")


def given(product: Product, service: str) -> dict[str, str]:
    return {name: str(value) for name, value in containers(product, "production")[service].items()}


def test_only_answers_are_missing(init: Init) -> None:
    found = init(ROOT / "examples" / "bookstall", Answers(), name="bookstall")

    (line,) = [line for line in found.output.splitlines() if "now FILL-IN" in line]
    asked = (
        "account",
        "region",
        "repository.",
        "pipeline.",
        "environments.staging.edge.domain.",
        "environments.production.edge.domain.",
    )
    assert all(key.startswith(asked) for key in line.partition("FILL-IN: ")[2].split(", "))


def test_it_runs_the_same_processes(initialized: Initialized) -> None:
    product = initialized.product

    assert product.services.keys() == BY_HAND.services.keys()
    for name, service in BY_HAND.services.items():
        own = product.services[name]
        assert (own.command, own.port, own.paths, own.static_paths, own.singleton) == (
            (service.command, service.port, service.paths, service.static_paths, service.singleton)
        )
    assert product.migration
    assert BY_HAND.migration
    assert product.migration.command == BY_HAND.migration.command
    assert [image.dockerfile for image in product.images.values()] == [
        image.dockerfile for image in BY_HAND.images.values()
    ]


def test_its_containers_get_the_same_references(initialized: Initialized) -> None:
    own = given(initialized.product, "web")

    for name, value in given(BY_HAND, "web").items():
        if "${" in value or value == "" or name == "DJANGO_SETTINGS_MODULE":
            assert own[name] == value, name


def test_it_has_the_same_secrets_and_stores(initialized: Initialized) -> None:
    product = initialized.product

    assert product.secrets.keys() == BY_HAND.secrets.keys()
    assert product.database
    assert BY_HAND.database
    assert product.database.tls == BY_HAND.database.tls
    assert (product.cache, product.media) == (BY_HAND.cache, BY_HAND.media)
    assert {name: environment.edge.domain for name, environment in product.environments.items()} == {
        name: environment.edge.domain for name, environment in BY_HAND.environments.items()
    }


@pytest.mark.slow
def test_it_synthesizes(initialized: Initialized) -> None:
    scope = app()
    add_product(scope, initialized.product)

    assert len(scope.synth().stacks_recursively) > 10
