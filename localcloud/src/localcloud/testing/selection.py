"""A pytest plugin for continuous integration: slices of long tests, and one retry of tests with containers.

`--slice 3/8` runs the third of eight parts of the tests marked `long`, and leaves others alone. The parts are dealt by
the names of files, since the tests of a file share a cloud, which takes minutes to start.
`--retry-containers` runs a failed test that is marked `docker` once more. The summary names it (`-r R`): treat that
name as a defect to fix first.
"""

from __future__ import annotations

import re
import zlib

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("selection")
    group.addoption("--slice", default="", help="K/N: of the tests marked long, run the K-th of N parts")
    group.addoption("--retry-containers", action="store_true", help="run a failed test marked docker once more")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the long tests of other slices, and lets tests with containers be retried."""
    if config.getoption("retry_containers"):
        for item in items:
            if item.get_closest_marker("docker"):
                item.add_marker(pytest.mark.flaky(reruns=1))
    if not config.getoption("slice"):
        return
    part, parts = _parts(config.getoption("slice"))
    others = [item for item in items if item.get_closest_marker("long") and _part(item, parts) != part]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in set(others)]


def _part(item: pytest.Item, parts: int) -> int:
    return zlib.crc32(item.nodeid.partition("::")[0].encode()) % parts + 1


def _parts(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise pytest.UsageError(f"--slice {text!r}: expected K/N with 1 <= K <= N, e.g. 3/8")
    return part, parts
