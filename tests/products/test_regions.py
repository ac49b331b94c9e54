"""The availability zones of a region, without a call to AWS."""

from __future__ import annotations

from products.regions import zones


def test_zones_are_the_first_of_the_region() -> None:
    assert zones("us-east-1", 2) == ["us-east-1a", "us-east-1b"]


def test_zones_are_the_first_of_the_letters_that_an_environment_lists() -> None:
    assert zones("us-east-1", 2, "bcd") == ["us-east-1b", "us-east-1c"]
