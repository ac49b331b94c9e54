"""Imports go in one direction: from stacks down to products, constructs and handlers, without cycles."""

from __future__ import annotations

import graphlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

from paths import CONSTRUCTS, HANDLERS, HOSTS, ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
LOCAL_CLOUD = ROOT / "localcloud" / "src"
LINTER = Path(sys.executable).with_name("lint-imports")
# Code that finds the checkout from a module's own path; paths.py does that for all modules.
_COUNTS_PARENTS = re.compile(r"ROOT = Path\(__file__\)|__file__\).*parents\[")
# A separate distribution; a product of its own; third parties.
_NOT_OURS = {"localcloud", "examples", "node_modules", ".venv", ".venv-policy"}


def lint() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-cache", "--no-logo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (CONSTRUCTS, HANDLERS, HOSTS, LOCAL_CLOUD)))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_of_pyproject_are_kept() -> None:
    done = lint()

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_part_of_an_import_cycle_not_even_for_types() -> None:
    graph = grimp.build_graph(*SETTINGS["root_packages"], cache_dir=None, exclude_type_checking_imports=False)

    order = graphlib.TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )

    order.prepare()  # raises CycleError with the modules of the cycle


def test_the_contracts_cover_every_package_of_this_repository() -> None:
    folders = [
        path.parent for root in (ROOT, CONSTRUCTS, HANDLERS, HOSTS, LOCAL_CLOUD) for path in root.glob("*/__init__.py")
    ]

    assert sorted(SETTINGS["root_packages"]) == sorted(folder.name for folder in folders)


def test_the_folders_of_the_repository_are_defined_once() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    modules = [name for name in listed.splitlines() if not _NOT_OURS & set(Path(name).parts)]

    found = {name for name in modules if _COUNTS_PARENTS.search((ROOT / name).read_text(encoding="utf-8"))}

    assert modules
    # Constructs import only constructs, so they cannot use paths.py.
    assert found == {"paths.py", "constructs/slipway/handler.py", "constructs/slipway/host_boot.py"}


def test_paths_imports_no_module_of_this_repository() -> None:
    names = re.findall(r"^(?:from|import) ([\w.]+)", (ROOT / "paths.py").read_text(encoding="utf-8"), re.MULTILINE)

    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
