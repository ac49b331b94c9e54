"""`make check` finds the tests that a change can break."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import pytest

from localcloud.testing.affected import Imports
from paths import ROOT

_SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]
_SETTINGS = _SETTINGS.get("ini_options", _SETTINGS)
PACKAGES, ROOTS = _SETTINGS["affected_packages"], _SETTINGS["affected_roots"]


@cache
def imports() -> Imports:
    return Imports(ROOT, PACKAGES, ROOTS)


def test_it_follows_the_imports_of_every_package() -> None:
    found = {path.parent.name for root in ROOTS for path in (ROOT / root).glob("*/__init__.py")}

    assert set(PACKAGES) - {"tests"} == found


@pytest.mark.parametrize(
    ("changed", "test"),
    [
        ("products/paths.py", "tests/products/test_paths.py"),
        ("lambda/shared/registry.py", "tests/lambda/test_deploy_release.py"),
        ("builds/programs/node_packages.py", "tests/builds/test_buildspecs.py"),
        ("builds/image.yml", "tests/builds/test_buildspecs.py"),
        ("products/edenco.yaml", "tests/conformance/test_edenco.py"),
        ("localcloud/src/localcloud/settings.py", "tests/slipway_cli/test_cloud.py"),
    ],
)
def test_a_change_affects_the_tests_that_import_it_or_what_is_beside_it(changed: str, test: str) -> None:
    assert ROOT / test in imports().distances([Path(ROOT, changed)])
