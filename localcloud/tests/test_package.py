"""The installed package: the distributions it imports, and its files for shells, builds and git."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest

import localcloud
from localcloud import shell

PACKAGE = Path(localcloud.__file__).parent
TESTING = PACKAGE / "testing"
PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def imported(files: Iterable[Path]) -> set[str]:
    """Returns the third-party packages that files import."""
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
    packages = {name.partition(".")[0] for name in found}
    return packages - set(sys.stdlib_module_names) - {"localcloud", "tests"}


def undeclared(packages: set[str], requirements: Iterable[str]) -> set[str]:
    """Returns the packages whose distribution is not among the requirements."""
    declared = {re.split(r"[^\w-]", requirement)[0].lower() for requirement in requirements}
    distributions = metadata.packages_distributions()
    return {name for name in packages if not declared & {found.lower() for found in distributions.get(name, [])}}


def test_every_distribution_that_the_package_imports_is_declared() -> None:
    packages = imported(file for file in PACKAGE.rglob("*.py") if not file.is_relative_to(TESTING))
    assert "ministack" in packages
    assert undeclared(packages, PROJECT["dependencies"]) == set()


def test_every_distribution_that_its_tests_import_is_declared_for_tests() -> None:
    packages = imported([*TESTING.rglob("*.py"), *Path(__file__).parent.rglob("*.py")])
    assert "pytest" in packages
    assert undeclared(packages, [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]) == set()


@pytest.mark.parametrize(
    "program",
    ["bin/aws", "bin/localcloud-docker", "bin/session-manager-plugin", "github/hooks/post-receive"],
)
def test_programs_are_installed_so_that_they_can_be_run(program: str) -> None:
    assert os.access(PACKAGE / program, os.X_OK)


@pytest.mark.parametrize(
    "file",
    [
        "bin/localhost-names.cjs",
        "bin/relay.py",
        "cloudformation/handlers.json",
        "codebuild/image/Dockerfile",
        "codebuild/shell/run.sh",
        "codebuild/shell/step.bash",
        "codebuild/shell/step.sh",
        "github/hooks/announce.py",
        "py.typed",
    ],
)
def test_files_of_the_package_are_installed(file: str) -> None:
    assert (PACKAGE / file).is_file()


def test_a_shell_gets_its_programs_from_the_package() -> None:
    assert shell.BIN == PACKAGE / "bin"
