"""The file `slipway-demo.yaml` of a product."""

from __future__ import annotations

from pathlib import Path

import pytest

from paths import ROOT
from slipway_cli.demo import options
from slipway_cli.errors import CommandError


def test_a_product_without_the_file_adds_nothing(tmp_path: Path) -> None:
    assert options.read(tmp_path) == options.Options()


def test_an_empty_file_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / options.NAME).write_text("# nothing yet\n")

    assert options.read(tmp_path) == options.Options()


def test_the_keys_are_read(tmp_path: Path) -> None:
    (tmp_path / options.NAME).write_text("build_args: {A: ''}\nseeds: [one, two]\ncheck: [sh, check]\n")

    assert options.read(tmp_path) == options.Options(build_args={"A": ""}, seeds=("one", "two"), check=("sh", "check"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("check: make check\n", "check"),
        ("seed: [one]\n", "seed"),
        ("build_args: {A: 1}\n", "build_args.A"),
        ("- one\n", "valid dictionary"),
        ("seeds: [one\n", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(text: str, named: str, tmp_path: Path) -> None:
    (tmp_path / options.NAME).write_text(text)

    with pytest.raises(CommandError, match=named) as raised:
        options.read(tmp_path)

    assert options.NAME in str(raised.value)


@pytest.mark.parametrize("example", ["allthrive", "bookstall"])
def test_the_files_of_the_examples_are_valid(example: str) -> None:
    assert options.read(ROOT / "examples" / example).check
