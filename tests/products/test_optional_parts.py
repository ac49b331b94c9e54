"""A product has only the parts that its manifest names, and each environment sizes those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from products.errors import ProblemsError
from products.variables import default_variables, parts
from tests.support.manifests import NULL, REMOVED, complaints, manifest, product

NO_DATABASE = {
    "database": REMOVED,
    "environments.staging.database": REMOVED,
    "environments.production.database": REMOVED,
}
NO_PIPELINE = {"pipeline": REMOVED}
NO_CACHE = {"cache": NULL, "environments.staging.cache": REMOVED, "environments.production.cache": REMOVED}


def problems(changes: dict[str, Any]) -> list[str]:
    try:
        product(changes)
    except ProblemsError as error:
        return error.sentences
    return []


@pytest.mark.parametrize("database", [NULL, REMOVED])
def test_a_product_may_have_no_database_and_no_migration(database: Any) -> None:
    found = product({**NO_DATABASE, "database": database, "migration": REMOVED})

    assert found.database is None


def test_a_product_that_does_not_mention_a_cache_has_one() -> None:
    assert product({"cache": REMOVED}).cache is not None


def test_a_product_may_turn_its_cache_off() -> None:
    assert product(NO_CACHE).cache is None


@pytest.mark.parametrize("store", ["database", "cache"])
def test_an_environment_without_the_size_of_a_store_is_reported(store: str, tmp_path: Path) -> None:
    data = manifest({f"environments.production.{store}": REMOVED})

    (found,) = complaints(tmp_path, yaml.safe_dump(data))

    assert f"environments.production.{store}: missing; write it, or one of the profiles minimal, standard, ha" in found


@pytest.mark.parametrize("profile", ["minimal", "standard", "ha"])
def test_a_profile_sizes_only_the_stores_that_the_product_has(profile: str) -> None:
    environment = {"account": "111122223333", "region": "us-east-1", "profile": profile}
    found = product({"database": REMOVED, "cache": NULL, "environments": {"production": environment}, **NO_PIPELINE})

    assert (found.environments["production"].database, found.environments["production"].cache) == (None, None)


def test_a_profile_sizes_a_cache_that_the_manifest_does_not_mention() -> None:
    environment = {"account": "111122223333", "region": "us-east-1", "profile": "minimal"}
    found = product({"cache": REMOVED, "environments": {"production": environment}, **NO_PIPELINE})

    assert found.environments["production"].cache is not None


@pytest.mark.parametrize(("store", "off"), [("database", NO_DATABASE), ("cache", NO_CACHE)])
def test_the_size_of_a_store_that_the_product_has_not_is_reported(store: str, off: dict[str, Any]) -> None:
    size = manifest()["environments"]["production"][store]

    (problem,) = problems({**off, f"environments.production.{store}": size})

    assert problem.startswith(f"environments.production.{store}: the product has no {store}; remove this section")


@pytest.mark.parametrize(
    ("absent", "reference", "section"),
    [
        ("cache", "cache.url", "cache: {}"),
        ("media", "media.bucket", "media: true"),
        ("database", "database.password", "database: {}"),
    ],
)
def test_a_reference_to_an_absent_part_is_refused(absent: str, reference: str, section: str) -> None:
    without: dict[str, dict[str, Any]] = {
        "cache": NO_CACHE,
        "media": {"media": False},
        "database": {**NO_DATABASE, "migration": REMOVED},
    }

    assert problems({**without[absent], "services.web.variables": {"VALUE": f"${{{reference}}}"}}) == [
        f"services.web.variables.VALUE: the product has no {absent}; write {section} or remove ${{{reference}}}"
    ]


def test_a_product_without_stores_has_only_the_variables_of_every_product() -> None:
    found = product({**NO_DATABASE, **NO_CACHE, "media": False, "migration": REMOVED})

    assert set(default_variables(parts(found))) == {"SECRET_KEY", "RELEASE_VERSION", "RELEASE_IMAGE"}


@pytest.mark.parametrize("rules", [[], ["SizeRestrictions_BODY", "CrossSiteScripting_BODY", "Log4JRCE_BODY"]])
def test_a_firewall_may_count_rules_instead_of_blocking(rules: list[str]) -> None:
    assert problems({"environments.production.edge": {"waf": True, "waf_count": rules}}) == []


def test_a_rule_that_no_rule_group_has_is_reported_with_the_nearest() -> None:
    (problem,) = problems({"environments.production.edge": {"waf": True, "waf_count": ["SizeRestriction_Body"]}})

    assert problem.startswith("environments.production.edge.waf_count: AWS's rule groups have no rule")
    assert problem.endswith("did you mean 'SizeRestrictions_BODY'?")
