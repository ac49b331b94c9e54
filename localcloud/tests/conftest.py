"""Fixtures of all tests, and the distribution of test files to workers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from localcloud.settings import Settings

pytest_plugins = [
    "localcloud.testing.sdk",
    "localcloud.testing.fixtures",
    "localcloud.testing.affected",
    "localcloud.testing.selection",
]

settings.register_profile("plain", deadline=None)  # a busy machine is no fault of an example; speed belongs in bench/
settings.load_profile("plain")

_CONTAINERS = "tests/containers"


@pytest.fixture(scope="session")
def common() -> Settings:
    return Settings(
        extensions=("localcloud.testing.board",),
        function_variables={
            "AUTHORITY": "${database_authority}",
            "HERE": "${address} {kept}",
            "OWN": "of the settings",
        },
    )


class WholeFiles(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """Assigns whole files to workers, and all files in `tests/containers`, which share a cloud, to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return _CONTAINERS if nodeid.startswith(_CONTAINERS) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    """Returns the scheduler for pytest-xdist."""
    return WholeFiles(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests in `tests/containers` first, and the tests marked `last` last; the rest stays random."""
    items.sort(key=lambda item: (not item.nodeid.startswith(_CONTAINERS), item.get_closest_marker("last") is not None))
