"""What AWS's Foundational Security Best Practices ask and no other test does: gate/controls.yaml names these."""

from __future__ import annotations

import pytest

from tests.support.synthesis import PRODUCTS, shipped


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_database_has_the_default_administrator(product: str) -> None:
    found = shipped(product).product.database.user

    assert found not in {"postgres", "admin", "root", "rdsadmin"}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_queue_is_encrypted(product: str) -> None:
    found = shipped(product).resources("AWS::SQS::Queue")

    assert found
    assert {place for place, it in found.items() if it["Properties"].get("SqsManagedSseEnabled") is not True} == set()
