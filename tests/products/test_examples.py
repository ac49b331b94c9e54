"""Manifests of examples are loaded by name, and belong to no committed document."""

from __future__ import annotations

from pathlib import Path

import pytest

from products import ManifestError, example_names, load, product_names
from tests.support.manifests import ALLTHRIVE


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """Manifests of one product and of one example."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "own.yaml").write_text(ALLTHRIVE.replace("name: allthrive\n", "name: own\n", 1))
    (tmp_path / "examples" / "shown.yaml").write_text(ALLTHRIVE.replace("name: allthrive\n", "name: shown\n", 1))
    return tmp_path


def test_an_example_is_loaded_by_its_name(folder: Path) -> None:
    assert load("shown", folder).name == "shown"


def test_an_example_is_not_listed_with_the_products(folder: Path) -> None:
    assert product_names(folder) == ["own"]
    assert example_names(folder) == ["shown"]


def test_a_product_hides_the_example_of_its_name(folder: Path) -> None:
    changed = ALLTHRIVE.replace("name: allthrive\n", "name: shown\n", 1).replace(
        "description: AllThrive AI", "description: Ours"
    )
    (folder / "shown.yaml").write_text(changed)

    assert load("shown", folder).description == "Ours"
    assert example_names(folder) == []


def test_a_mistake_in_an_example_names_its_file(folder: Path) -> None:
    (folder / "examples" / "shown.yaml").write_text("name: other\n")

    with pytest.raises(ManifestError, match=r"examples/shown\.yaml"):
        load("shown", folder)


def test_a_mistyped_example_is_suggested(folder: Path) -> None:
    with pytest.raises(ManifestError, match="shown"):
        load("shwn", folder)


def test_the_bookstall_is_an_example() -> None:
    assert "bookstall" in example_names()
    assert "bookstall" not in product_names()
