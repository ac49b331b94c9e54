"""Fixtures: one GitHub server for all tests, a repository for each test, and a cloud for tests with pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing.github import Place, Recorder, Shop
from localcloud.testing.plain import plain

__all__ = ["plain"]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("github")).serving() as serving:
        yield serving


@pytest.fixture
def shop(place: Place, tmp_path: Path) -> Shop:
    place.recorder = Recorder()
    return Shop(place, tmp_path)
