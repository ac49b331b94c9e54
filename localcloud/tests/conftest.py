"""Fixtures of every test, and which files share a cloud."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from localcloud.settings import Settings

pytest_plugins = ["localcloud.testing.fixtures", "localcloud.testing.affected"]

_CONTAINERS = "tests/containers"


@pytest.fixture(scope="session")
def common() -> Settings:
    return Settings(extensions=("localcloud.testing.board",))


class WholeFiles(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Deals whole files to workers, and the files below `tests/containers`, which share a cloud, to one."""

    def _split_scope(self, nodeid: str) -> str:
        return _CONTAINERS if nodeid.startswith(_CONTAINERS) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    """Use it."""
    return WholeFiles(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the containers, which take longest, and end with what takes things away; the rest stays random."""
    items.sort(key=lambda item: (not item.nodeid.startswith(_CONTAINERS), item.get_closest_marker("last") is not None))
