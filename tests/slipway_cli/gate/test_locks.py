"""Only locked packages are installed, verified by hash."""

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


def test_every_lock_is_up_to_date_and_has_all_hashes() -> None:
    assert list(stale()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_contains_direct_and_transitive_requirements(name: str) -> None:
    assert wanted(name).items() <= locked(name).items()
    assert len(locked(name)) > len(wanted(name))


def test_a_new_requirement_makes_its_lock_stale(copy: Path) -> None:
    with (copy / "requirements-dev.txt").open("a", encoding="utf-8") as file:
        file.write("left-pad==1.0.0  # planted\n")

    problems = list(stale(copy))

    assert "requirements-dev.lock is out of date with requirements-dev.txt: type `make lock`" in problems
    assert any("left-pad missing" in problem for problem in problems)


def test_a_changed_version_makes_all_locks_with_it_stale(copy: Path) -> None:
    edit(copy / "requirements.txt", "PyYAML==", "PyYAML==99.")

    problems = " ".join(stale(copy))

    assert "requirements.lock has pyyaml" in problems
    assert "requirements-dev.lock has pyyaml" in problems


def test_an_entry_without_a_hash_is_found(copy: Path) -> None:
    with (copy / "requirements.lock").open("a", encoding="utf-8") as file:
        file.write("left-pad==1.0.0\n")

    assert list(stale(copy)) == ["requirements.lock: left-pad has no hash: type `make lock`"]


def test_make_setup_installs_by_hash_only() -> None:
    lines = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "pip install" in line]

    assert len(lines) == 2
    assert all("--require-hashes" in line and ".lock" in line for line in lines)
