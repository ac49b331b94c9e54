"""Fixtures every test may use, and the guard of the source roots."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from localcloud.settings import Settings
from paths import ROOT
from slipway_cli import cloud, typed

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


@pytest.fixture(autouse=True)
def _forgotten_invocation() -> Iterator[None]:
    """A command that a test runs in this process leaves no options to the advice of later ones."""
    yield
    typed.INVOCATION.begin([])


def pytest_configure() -> None:
    """Stop before collection, since an __init__.py there breaks every import in its own way."""
    gc.disable()  # until all tests are collected, and for ever for what is there then: garbage comes from tests
    for folder in ("constructs", "lambda"):
        if (ROOT / folder / "__init__.py").exists():
            raise pytest.UsageError(
                f"delete {folder}/__init__.py: {folder}/ is a source root, not a package (docs/adr/0022)"
            )


def pytest_collection_finish() -> None:
    """Let the garbage collector look at nothing but what tests make."""
    gc.freeze()
    gc.enable()


# What takes longest, most of it waiting, for containers or for programs: not at the end, when the other worker is idle.
_FIRST = ("tests/end_to_end/test_a_push.py", "tests/slipway_cli/test_cloud.py", "tests/builds", "tests/synth")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the clouds, which take longest, and end with what takes things away; the rest stays random.

    Workers begin with the longest files, and among the others with those of many tests.
    """
    if hasattr(config, "workerinput") and not config.getoption("affected"):
        tests = Counter(_file(item.nodeid) for item in items)
        items.sort(key=lambda item: (_among(_FIRST, item.nodeid), -tests[_file(item.nodeid)]))
    clouds = (*_HOSTS, *_HOME)
    items.sort(key=lambda item: (_among(clouds, item.nodeid), item.get_closest_marker("last") is not None))


class WholeClouds(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Deals whole files to workers, and to one worker all files that share a cloud.

    Not `--dist loadgroup`: pytest 9.2 ignores the way in which pytest-xdist 3.8 passes its groups on.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid) or _file(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeClouds:
    """Use it, in the order of the collected tests."""
    config.option.loadscopereorder = False
    return WholeClouds(config, log)


# Only one cloud at a time has the network where SDKs in containers find credentials. The last folder's cloud ends with
# the run, those of the others with their modules.
# Products on hosts need no such network: hosts have their credentials from the metadata service.
_HOME = tuple(f"tests/end_to_end/{folder}" for folder in ("bookstall", "allthrive"))
_HOSTS = tuple(f"tests/end_to_end/{folder}" for folder in ("edenco", "hosts_products"))


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _among(first: tuple[str, ...], nodeid: str) -> int:
    """Returns the place of a test among those that begin with one of these texts; the number of texts for others."""
    return next((place for place, text in enumerate(first) if nodeid.startswith(text)), len(first))


def _scope(nodeid: str) -> str:
    """Names the tests that one worker runs in their order, and so one cloud at a time; empty for all others."""
    return "home" if nodeid.startswith(_HOME) else "hosts" if nodeid.startswith(_HOSTS) else ""
