"""One local cloud with containers for all tests of a run: its docker network exists once per machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import launcher, network, process, settings
from tests.local.cloud import Cloud
from tests.local.plain import free_port


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running cloud of its own; the user's, if one is up and SLIPWAY_REUSE=1 says so."""
    client = network.connect()
    if client is None:
        pytest.skip("no Docker daemon answers")
    absent = [name for name in network.BASE_IMAGES if not client.images.list(name=name)]
    if absent:
        pytest.skip(f"base images are missing: docker pull {' '.join(absent)}")
    port = network.holder(client)
    if port is not None:
        if os.environ.get("SLIPWAY_REUSE") != "1":
            pytest.skip(f"a local cloud (port {port}) is up: `make local-down`, or test on it with SLIPWAY_REUSE=1")
        borrowed = Cloud(int(port), settings.current().state)
        yield borrowed
        borrowed.sweep()
        return
    own = settings.Settings(port=free_port(), state=Path(tmp_path_factory.mktemp("cloud")))
    assert launcher.up(own) == 0, process.log_file(own).read_text(encoding="utf-8")
    yield Cloud(own.port, own.state)
    assert launcher.down(own) == 0
    assert network.owned(client, own) == []
