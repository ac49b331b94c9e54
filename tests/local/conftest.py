"""One local cloud with containers for all tests of a run; beside the user's, on another network, if one is up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import launcher, network, process
from local.settings import SUBNET, Settings
from tests.local.cloud import Cloud
from tests.local.plain import free_port

# The first one is where SDKs in containers take credentials; it is taken when a user's cloud is up.
SUBNETS = [SUBNET, *(f"169.254.{number}" for number in range(171, 180))]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running cloud of its own."""
    client = network.connect()
    if client is None:
        pytest.skip("no Docker daemon answers")
    absent = [name for name in network.BASE_IMAGES if not client.images.list(name=name)]
    if absent:
        pytest.skip(f"base images are missing: docker pull {' '.join(absent)}")
    state = Path(tmp_path_factory.mktemp("cloud"))
    choices = [Settings(port=free_port(), state=state, subnet=subnet) for subnet in SUBNETS]
    own = next(choice for choice in choices if not client.networks.list(names=[choice.network]))
    assert launcher.up(own) == 0, process.log_file(own).read_text(encoding="utf-8")
    yield Cloud(own)
    assert launcher.down(own) == 0
    assert network.owned(client, own) == []
    assert client.networks.list(names=[own.network]) == []
