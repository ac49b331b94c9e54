"""Variables of the local cloud's builds, which every product of the cloud shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud import build_variables
from localcloud.settings import Settings
from products import Product
from slipway_cli.demo import builds
from tests.support.manifests import product


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path)


def arguments(settings: Settings, demo: Product, given: dict[str, str]) -> list[str]:
    builds.write(settings, demo, given)
    return build_variables.read(settings).get("BUILD_ARGS", "").splitlines()


def test_images_are_built_for_this_machine_and_need_no_scan(settings: Settings) -> None:
    builds.write(settings, product(), {})

    written = build_variables.read(settings)
    assert written["PLATFORM"].startswith("linux/")
    assert written["ALLOW_UNSCANNED"] == "true"


def test_without_arguments_those_of_the_manifest_are_not_replaced(settings: Settings) -> None:
    assert arguments(settings, product({"images.backend.build_args": {"A": "1"}}), {}) == []


def test_the_arguments_of_the_manifest_are_kept_beside_the_demos(settings: Settings) -> None:
    demo = product({"images.backend.build_args": {"A": "1", "B": "2"}})

    assert arguments(settings, demo, {"B": "", "C": "3 4"}) == ["A=1", "B=", "C=3 4"]


def test_a_single_empty_argument_is_written_as_a_line(settings: Settings) -> None:
    builds.write(settings, product(), {"CA_URL": ""})

    assert build_variables.read(settings)["BUILD_ARGS"] == "CA_URL=\n"  # the buildspec splits other texts into words


def test_the_demo_of_another_product_keeps_what_the_first_needs(settings: Settings) -> None:
    arguments(settings, product(), {"CA_URL": ""})

    assert arguments(settings, product(), {}) == ["CA_URL="]
