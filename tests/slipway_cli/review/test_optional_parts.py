"""The review describes and prices products without a frontend, database, cache or media."""

from __future__ import annotations

import pytest

from products import Product
from slipway_cli.review.cost import profiles
from slipway_cli.review.diagrams.page import files
from slipway_cli.review.synth import assembly
from tests.support.manifests import NULL, REMOVED, product


@pytest.fixture(scope="module")
def small() -> Product:
    parts = {"frontend": REMOVED, "database": REMOVED, "cache": NULL, "media": False, "migration": REMOVED}
    sizes = {f"environments.{name}.{part}": REMOVED for name in ("staging", "production") for part in _SIZED}
    return product({**parts, **sizes, "pipeline": REMOVED, "services.web.paths": ["/*"]})


_SIZED = ("database", "cache")


def test_the_profiles_of_the_cost_estimate_size_only_what_the_product_has(small: Product) -> None:
    found = profiles.variants(small, "production")

    assert {variant.profile for variant in found} == {"minimal", "standard", "ha"}
    assert {(variant.environment.database, variant.environment.cache) for variant in found} == {(None, None)}


def test_the_diagram_shows_only_what_the_product_has(small: Product) -> None:
    pages = files({"small": ("Small", assembly(small, small.environments, tooling=False))})
    (page,) = [text for path, text in pages.items() if path.name == "architecture.md"]

    assert "everything else" in page
    assert "db.t4g" not in page
    assert "cache.t4g" not in page
