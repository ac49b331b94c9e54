"""Fixtures every test may use, and the guard of the source roots."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from localcloud.settings import Settings
from paths import ROOT
from slipway_cli import cloud

pytest_plugins = [
    "localcloud.testing.sdk",
    "localcloud.testing.fixtures",
    "localcloud.testing.affected",
    "localcloud.testing.selection",
]

settings.register_profile("plain", deadline=None)  # a busy machine is no fault of an example; speed belongs in bench/
settings.load_profile("plain")

# jsii takes the first Node.js on the path: ours, so that every machine synthesises with the same one.
os.environ.pop("SLIPWAY_SHELL_PATH", None)  # make sets it; tests choose the PATH that advice is made for
os.environ["PATH"] = f"{ROOT / 'node_modules' / 'node' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


@pytest.fixture(scope="session")
def common() -> Settings:
    """Clouds of the tests serve the console, as the user's does."""
    return replace(cloud.OURS, state=Settings().state)


def pytest_configure() -> None:
    """Stop before collection, since an __init__.py there breaks every import in its own way."""
    for folder in ("constructs", "lambda"):
        if (ROOT / folder / "__init__.py").exists():
            raise pytest.UsageError(
                f"delete {folder}/__init__.py: {folder}/ is a source root, not a package (docs/adr/0022)"
            )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the clouds, which take longest, and end with what takes things away; the rest stays random."""
    items.sort(key=lambda item: (_place(item.nodeid), item.get_closest_marker("last") is not None))


class WholeClouds(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Deals whole files to workers, and to one worker all files that share a cloud.

    Not `--dist loadgroup`: pytest 9.2 ignores the way in which pytest-xdist 3.8 passes its groups on.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid) or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeClouds:
    """Use it."""
    return WholeClouds(config, log)


# Only one cloud at a time has the network where SDKs in containers find credentials. The last folder's cloud ends with
# the run, those of the others with their modules.
_HOME = tuple(f"tests/end_to_end/{folder}" for folder in ("bookstall", "edenco", "hosts_products", "allthrive"))


def _place(nodeid: str) -> int:
    return next((place for place, folder in enumerate(_HOME) if nodeid.startswith(folder)), len(_HOME))


def _scope(nodeid: str) -> str:
    """Names the tests that need this network, which one worker runs in their order; empty for all others."""
    return "home" if nodeid.startswith(_HOME) else ""
