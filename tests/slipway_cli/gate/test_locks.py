"""What is installed is what was locked, by the hash of each file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from paths import ROOT
from slipway_cli.gate.locks import NAMES, locked, stale, wanted


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in NAMES:
        for suffix in ("txt", "lock"):
            shutil.copy(ROOT / f"{name}.{suffix}", tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_lock_is_of_its_requirements_with_a_hash_for_everything() -> None:
    assert list(stale()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_holds_what_is_wanted_and_what_that_needs(name: str) -> None:
    assert wanted(name).items() <= locked(name).items()
    assert len(locked(name)) > len(wanted(name))


def test_a_new_requirement_makes_its_lock_stale(copy: Path) -> None:
    with (copy / "requirements-dev.txt").open("a", encoding="utf-8") as file:
        file.write("left-pad==1.0.0  # planted\n")

    said = list(stale(copy))

    assert "requirements-dev.lock is not of requirements-dev.txt any more: type `make lock`" in said
    assert any("left-pad not at all" in each for each in said)


def test_a_changed_version_makes_both_locks_stale_that_hold_it(copy: Path) -> None:
    edit(copy / "requirements.txt", "PyYAML==", "PyYAML==99.")

    said = " ".join(stale(copy))

    assert "requirements.lock has pyyaml" in said
    assert "requirements-dev.lock has pyyaml" in said


def test_an_entry_without_a_hash_is_found(copy: Path) -> None:
    with (copy / "requirements.lock").open("a", encoding="utf-8") as file:
        file.write("left-pad==1.0.0\n")

    assert list(stale(copy)) == ["requirements.lock: left-pad has no hash: type `make lock`"]


def test_what_is_set_up_is_installed_by_hash_only() -> None:
    lines = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "pip install" in line]

    assert len(lines) == 2
    assert all("--require-hashes" in line and ".lock" in line for line in lines)
