"""Two clouds on one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import launcher, process
from local.settings import Settings
from tests.local.cloud import Cloud
from tests.local.plain import free_port

pytestmark = [pytest.mark.local]


@pytest.mark.docker
def test_a_second_cloud_on_the_same_network_is_refused_with_what_to_do(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    second = Settings(port=free_port(), state=tmp_path / ".slipway", subnet=cloud.subnet)
    assert launcher.up(second) == 1
    assert f"Another local cloud (port {cloud.port}) holds the docker network" in capsys.readouterr().out
    assert not process.port_taken(second)
