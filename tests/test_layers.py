"""Imports go one way: from stacks down to products, constructs and handlers, and never in a circle."""

from __future__ import annotations

import graphlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

from paths import CONSTRUCTS, HANDLERS, ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
LOCAL_CLOUD = ROOT / "localcloud" / "src"
LINTER = Path(sys.executable).with_name("lint-imports")
# From a module's own place to the checkout: what paths.py is for.
_COUNTS_PARENTS = re.compile(r"ROOT = Path\(__file__\)|__file__\).*parents\[")
# A separate distribution; a product of its own; third parties.
_NOT_OURS = {"localcloud", "examples", "node_modules", ".venv", ".venv-policy"}


def lint() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-cache", "--no-logo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (CONSTRUCTS, HANDLERS, LOCAL_CLOUD)))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_of_pyproject_are_kept() -> None:
    done = lint()

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_in_a_circle_of_imports_not_even_for_types() -> None:
    graph = grimp.build_graph(*SETTINGS["root_packages"], cache_dir=None, exclude_type_checking_imports=False)

    order = graphlib.TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )

    order.prepare()  # raises CycleError with the modules of the circle


def test_the_contracts_know_every_package_of_ours() -> None:
    folders = [path.parent for root in (ROOT, CONSTRUCTS, HANDLERS, LOCAL_CLOUD) for path in root.glob("*/__init__.py")]

    assert sorted(SETTINGS["root_packages"]) == sorted(folder.name for folder in folders)


def test_the_folders_of_the_repository_are_defined_once() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    modules = [name for name in listed.splitlines() if not _NOT_OURS & set(Path(name).parts)]

    found = {name for name in modules if _COUNTS_PARENTS.search((ROOT / name).read_text(encoding="utf-8"))}

    assert modules
    # Constructs import nothing outside constructs/.
    assert found == {"paths.py", "constructs/slipway/handler.py"}


def test_the_folders_module_imports_nothing_of_ours() -> None:
    names = re.findall(r"^(?:from|import) ([\w.]+)", (ROOT / "paths.py").read_text(encoding="utf-8"), re.MULTILINE)

    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
