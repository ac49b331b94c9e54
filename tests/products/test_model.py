"""The product that the loader returns for a valid manifest."""

from __future__ import annotations

import re
import subprocess
import sys

import pydantic
import pytest

from paths import ROOT
from products import load, product_names
from products.base import EXAMPLES, Model
from products.regions import REGIONS, zones
from tests.support.manifests import product

SHIPPED = product_names()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_manifest_is_valid(name: str) -> None:
    assert load(name).name == name


def test_a_product_is_immutable() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        product().environments["staging"].network.zones = 3


def test_every_part_of_a_manifest_is_frozen_strict_and_closed() -> None:
    parts = Model.__subclasses__()

    assert parts
    assert [
        part.__name__ for part in parts if (part.model_config["frozen"], part.model_config["extra"]) != (True, "forbid")
    ] == []
    assert [part.__name__ for part in parts if not part.model_config["strict"]] == []


def test_loading_a_manifest_twice_returns_equal_products() -> None:
    assert load("allthrive") == load("allthrive")


def test_an_environment_changes_only_the_settings_that_it_overrides() -> None:
    allthrive = product()
    web, staging = allthrive.services["web"], allthrive.services_in("staging")["web"]

    assert staging.count == 1
    assert staging.model_copy(update={"count": web.count, "scaling": web.scaling}) == web


def test_the_examples_in_messages_are_valid() -> None:
    assert [text for pattern, text in EXAMPLES.items() if not re.search(pattern, text.strip('"'))] == []


def test_zones_are_named_as_aws_names_them() -> None:
    assert zones("ca-central-1", 3) == ["ca-central-1a", "ca-central-1b", "ca-central-1d"]


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_zones_for_the_smallest_network(region: str) -> None:
    assert len(REGIONS[region].zone_letters) >= 2
    assert REGIONS[region].cloudfront_prefix_list.startswith("pl-")


def test_loading_a_manifest_needs_neither_the_cdk_nor_nodejs() -> None:
    program = "import sys; from products import load; load('allthrive'); sys.exit('jsii' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={"PATH": ""}, check=False)

    assert done.returncode == 0
