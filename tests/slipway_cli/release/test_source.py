"""The name of a release."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.source import contents, snapshot, version


def a_product(folder: Path) -> Path:
    (folder / "backend").mkdir(parents=True)
    (folder / "backend" / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.0"\n')
    (folder / "backend" / "app.py").write_text("print(1)\n")
    return folder


def test_a_release_is_named_after_the_version_in_the_checkout(tmp_path: Path) -> None:
    assert snapshot(a_product(tmp_path)).startswith("1.2.0-SNAPSHOT-")


def test_the_same_files_make_the_same_release_in_any_folder(tmp_path: Path) -> None:
    assert snapshot(a_product(tmp_path / "one")) == snapshot(a_product(tmp_path / "two"))


def test_a_changed_file_makes_another_release(tmp_path: Path) -> None:
    product = a_product(tmp_path)
    before = snapshot(product)

    (product / "backend" / "app.py").write_text("print(2)\n")

    assert snapshot(product) != before


def test_the_release_has_the_first_digits_of_the_contents(tmp_path: Path) -> None:
    product = a_product(tmp_path)

    assert len(contents(product)) == 64
    assert snapshot(product) == f"1.2.0-SNAPSHOT-{contents(product)[:7]}"


def test_ignored_files_do_not_change_the_release(tmp_path: Path) -> None:
    product = a_product(tmp_path)
    subprocess.run(["git", "init", "-q", str(product)], check=True)
    (product / ".gitignore").write_text("dist/\n")
    before = snapshot(product)

    (product / "dist").mkdir()
    (product / "dist" / "index.html").write_text("built")

    assert snapshot(product) == before


def test_the_version_is_in_package_json_if_there_is_no_pyproject(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"version": "0.3.1"}')

    assert version(tmp_path) == "0.3.1"


def test_a_checkout_without_a_version_gets_advice_where_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"write one into pyproject.toml \(\[project\] version\) or package.json"):
        version(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"no folder .*nowhere"):
        snapshot(tmp_path / "nowhere")
