"""A pytest plugin that runs the tests which a change can break, nearest first: `pytest --affected`.

A test module is affected when it imports a changed module, directly or through others. The change is what git calls
uncommitted, or the newest commit in a clean checkout. A file that is not Python counts as a change of the modules in
its folder. Files that say how tests are run (`conftest.py`, `pyproject.toml`, locks) affect every test.

`--seconds N` skips the tests that have not started after N seconds: the nearest tests have run by then, and the
summary counts the others.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

_EVERYTHING = ("conftest.py", "pyproject.toml", ".lock", "Makefile")
_started: list[float] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, and the setting that names the packages whose imports are followed."""
    group = parser.getgroup("affected")
    group.addoption("--affected", action="store_true", help="run only tests that the uncommitted change can break")
    group.addoption("--seconds", type=float, default=0, help="skip tests that have not started after so many seconds")
    parser.addini("affected_packages", "packages whose imports --affected follows", type="args")
    parser.addini("affected_roots", "folders in which those packages are", type="args", default=["."])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects tests that the change cannot break, and sorts the others by their distance to it."""
    if not config.getoption("affected"):
        return
    root = config.rootpath
    changed = changed_files(root)
    if any(path.name.endswith(_EVERYTHING) for path in changed):
        return
    distances = Imports(root, config.getini("affected_packages"), config.getini("affected_roots")).distances(changed)
    kept = [item for item in items if item.path in distances]
    config.hook.pytest_deselected(items=[item for item in items if item.path not in distances])
    items[:] = sorted(kept, key=lambda item: distances[item.path])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose turn comes too late."""
    _started[:] = _started or [time.monotonic()]
    seconds = item.config.getoption("seconds")
    if seconds and time.monotonic() - _started[0] > seconds:
        pytest.skip(f"not run: {seconds:g} s are over; `make test` runs every test")


def changed_files(root: Path) -> list[Path]:
    """Returns the uncommitted files below a folder, new ones too; in a clean checkout those of the newest commit.

    Without git, or without the commit before (a shallow clone), the answer is the settings, which affect every test.
    """
    everything = [root / "pyproject.toml"]
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None:
        return everything
    entries = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    names = [entry[3:] for entry in entries or ()]
    if not names:
        newest = _git(root, "diff", "--name-only", "-z", "HEAD~1", "HEAD", "--", ".")
        if newest is None:
            return everything
        names = newest
    return [Path(top[0].rstrip("\n")) / name for name in names]


def _git(root: Path, *arguments: str) -> list[str] | None:
    """Returns the NUL-separated output of git; None if it fails or is not installed."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [part for part in done.stdout.split("\0") if part]


class Imports:
    """The graph of imports between the modules of some packages."""

    def __init__(self, root: Path, packages: list[str], roots: list[str]) -> None:
        import grimp  # noqa: PLC0415 - only `--affected` needs it

        self._graph = grimp.build_graph(*packages, cache_dir=None)
        self._root = root
        self._folders = [(root / folder).resolve() for folder in roots]
        self._files = {path: module for module in self._graph.modules for path in self._paths(module)}

    def distances(self, changed: Iterable[Path]) -> dict[Path, int]:
        """Returns the file of each module that imports a changed one, with the number of imports between the two."""
        found = {module: 0 for path in changed for module in self._changed_by(path)}
        nearest = list(found)
        while nearest:
            farther = []
            for module in nearest:
                for importer in self._graph.find_modules_that_directly_import(module) - found.keys():
                    found[importer] = found[module] + 1
                    farther.append(importer)
            nearest = farther
        return {path: found[module] for path, module in self._files.items() if module in found}

    def _changed_by(self, path: Path) -> set[str]:
        """Returns the module of a Python file; for other files the modules in the same folder, or in one above it."""
        if path in self._files:
            return {self._files[path]}
        folder = path.parent
        while folder not in (self._root, folder.parent):
            beside = {module for file, module in self._files.items() if file.parent == folder}
            if beside:
                return beside
            folder = folder.parent
        return set()

    def _paths(self, module: str) -> Iterable[Path]:
        inside = Path(*module.split("."))
        for folder in self._folders:
            yield from (
                path for path in (folder / inside.with_suffix(".py"), folder / inside / "__init__.py") if path.exists()
            )
