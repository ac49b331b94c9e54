"""The local cloud of all tests of pipelines, without Docker."""

from __future__ import annotations

import pytest

from localcloud.testing.pipelines import World
from localcloud.testing.plain import Plain, plain

__all__ = ["plain"]


@pytest.fixture(scope="session")
def world(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(plain, tmp_path_factory.mktemp("world"))
