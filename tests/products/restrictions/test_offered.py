"""The tables of what RDS and ElastiCache offer."""

from __future__ import annotations

import json

import pytest

from products.profiles import PROFILES
from products.restrictions import generate
from products.restrictions.offered import FILE, closest, newest, offered

VERSIONS = ["6.0", "6.2", "7.0", "7.1"]


def test_the_tables_are_those_of_the_installed_cfn_lint() -> None:
    committed = json.loads(FILE.read_text(encoding="utf-8"))

    assert committed == generate.offered(), "stale: run `python -m products.restrictions.generate`"


def test_the_tables_name_their_source_and_its_date() -> None:
    assert offered()["source"].startswith("cfn-lint 1.")
    assert "schemas of 2026-" in offered()["source"]


@pytest.mark.parametrize("profile", PROFILES)
def test_each_region_offers_the_classes_of_each_profile(profile: str) -> None:
    sizes = PROFILES[profile]

    assert sizes["database"]["instance"] not in offered()["regions_without_database_class"]
    assert sizes["cache"]["node"] not in offered()["regions_without_cache_node"]


def test_the_newest_version_is_the_largest_number_and_not_the_last_letter() -> None:
    assert newest(offered()["postgres"], "17") == "17.11"
    assert newest(offered()["postgres"], "11") is None


@pytest.mark.parametrize(
    ("version", "close"), [("5.0", "6.2"), ("6.1", "6.2"), ("7.4", "7.1"), ("8.0", "7.1"), ("99.0", "7.1")]
)
def test_the_closest_version_is_the_newest_of_the_closest_major_number(version: str, close: str) -> None:
    assert closest(VERSIONS, version) == close
