"""Fixtures every test may use, and the guard of the source roots."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# jsii takes the first Node.js on the path: ours, so that every machine synthesises with the same one.
os.environ["PATH"] = f"{ROOT / 'node_modules' / 'node' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def pytest_configure() -> None:
    """Stop before collection, since an __init__.py there breaks every import in its own way."""
    for folder in ("constructs", "lambda"):
        if (ROOT / folder / "__init__.py").exists():
            raise pytest.UsageError(
                f"delete {folder}/__init__.py: {folder}/ is a source root, not a package (docs/adr/0001)"
            )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Give each worker whole files, and whole clouds; begin with the clouds, and end with what takes things away.

    Groups are named before pytest-xdist reads them, and the order is made after pytest-randomly's: the rest stays random.
    """
    for item in items:
        clouds = [name for name in ("home_cloud", "cloud") if name in getattr(item, "fixturenames", ())]
        item.add_marker(pytest.mark.xdist_group((clouds or [str(item.path)])[0]))
    yield
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, bool]:
    group = item.get_closest_marker("xdist_group")
    clouds = ["home_cloud", "cloud"]
    first = clouds.index(group.args[0]) if group and group.args[0] in clouds else len(clouds)
    return first, item.get_closest_marker("last") is not None
