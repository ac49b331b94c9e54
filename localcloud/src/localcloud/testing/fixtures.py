"""Local clouds with containers, each started once per run."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import docker
import pytest

from localcloud import launcher, network, process
from localcloud.settings import SUBNET, Settings
from localcloud.testing.cloud import Cloud
from localcloud.testing.plain import free_port

ELSEWHERE = [f"169.254.{number}" for number in range(171, 180)]


@pytest.fixture(scope="session")
def common() -> Settings:
    """The settings of all clouds of a run; a conftest may override them, for example to serve an extension."""
    return Settings()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Cloud]:
    """A running cloud, separate from the user's and from that of `home_cloud`."""
    with elsewhere(tmp_path_factory, common) as running:
        yield running


@pytest.fixture(scope="session")
def home_cloud(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Cloud]:
    """A running cloud on the network where SDKs in containers find credentials."""
    with home(tmp_path_factory, common) as running:
        yield running


@contextmanager
def elsewhere(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Cloud]:
    """Runs a cloud separate from the user's; several can run at a time."""
    with _running(tmp_path_factory, settings, ELSEWHERE) as running:
        yield running


@contextmanager
def home(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Cloud]:
    """Runs a cloud on the network where SDKs in containers find credentials; only one at a time can have it."""
    with _running(tmp_path_factory, settings, [SUBNET]) as running:
        yield running


@contextmanager
def _running(tmp_path_factory: pytest.TempPathFactory, common: Settings, subnets: list[str]) -> Iterator[Cloud]:
    client = network.connect()
    if client is None:
        cannot("no Docker daemon answers")
    absent = [name for name in network.BASE_IMAGES if not client.images.list(name=name)]
    if absent:
        cannot(f"base images are missing: docker pull {' '.join(absent)}")
    state = Path(tmp_path_factory.mktemp("cloud"))
    with _alone():
        choices = [replace(common, port=free_port(), state=state, subnet=subnet) for subnet in subnets]
        own = next((choice for choice in choices if not _taken(client, choice)), None)
        if own is None:
            cannot(
                "a local cloud is up, and task credentials work on its network only: "
                f"{common.command} down, then test again"
            )
        log = process.log_file(own)
        assert launcher.up(own) == 0, log.read_text(encoding="utf-8") if log.exists() else "it says why above"
    try:
        yield Cloud(own)
    finally:  # also after a demo that failed: another test may need the network
        ended = launcher.down(own)
    assert ended == 0
    assert network.owned(client, own) == []
    assert own.network not in {found.name for found in client.networks.list()}


@contextmanager
def _alone() -> Iterator[None]:
    """Lets one worker at a time choose a network and create it."""
    with (Path(tempfile.gettempdir()) / "localcloud-tests-networks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _taken(client: docker.DockerClient, choice: Settings) -> bool:
    other = network.holder(client, choice)
    return other is not None and launcher.lives(other)


def cannot(reason: str) -> NoReturn:
    """Skip the test, or fail it under .ci/run, where a skip would hide that the main tests did not run."""
    if os.environ.get("LOCALCLOUD_TEST_ALL"):
        pytest.fail(f"{reason}; LOCALCLOUD_TEST_ALL allows no skip")
    pytest.skip(reason)
