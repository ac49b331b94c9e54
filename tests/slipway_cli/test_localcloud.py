"""Slipway and the local cloud: two distributions, and what one may know of the other."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from paths import ROOT

LOCALCLOUD = ROOT / "localcloud"
PROGRAMS = ("slipway_cli", "bench", "policy", "products", "stacks", "constructs", "builds")


def committed(*folders: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines()]


def public() -> set[str]:
    """The modules that localcloud's README promises to programs."""
    section = (LOCALCLOUD / "README.md").read_text(encoding="utf-8").partition("## For programs")[2]
    return set(re.findall(r"`(localcloud(?:\.\w+)+)`", section))


def imported(file: Path) -> set[str]:
    """The modules of localcloud that a file imports, `from localcloud import shell` as `localcloud.shell`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in {"localcloud", "localcloud.cloudformation"}:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return {name for name in found if name.split(".")[0] == "localcloud"}


def test_programs_of_slipway_import_only_what_localcloud_promises() -> None:
    files = [file for file in committed(*PROGRAMS) if file.suffix == ".py"]
    private = {str(file.relative_to(ROOT)): names for file in files if (names := imported(file) - public())}
    assert public()
    assert private == {}


@pytest.mark.parametrize("word", ["slipway", "allthrive", "edenco"])
def test_localcloud_knows_nothing_of_slipway(word: str) -> None:
    files = committed("localcloud")
    assert files
    naming = [file for file in files if file.is_file() and word.encode() in file.read_bytes().lower()]
    assert [str(file.relative_to(ROOT)) for file in naming] == []


def test_localcloud_declares_the_versions_that_the_lock_of_this_repository_has() -> None:
    project = tomllib.loads((LOCALCLOUD / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8").lower()
    locked = set(re.findall(r"^([\w.-]+==[\w.]+)", lock, re.MULTILINE))
    assert locked
    assert {requirement.lower() for requirement in declared} - locked == set()
