"""Two clouds on one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud import launcher, process
from localcloud.settings import Settings
from localcloud.testing.cloud import Cloud
from localcloud.testing.plain import free_port

pytestmark = [pytest.mark.local]


@pytest.mark.docker
def test_a_second_cloud_on_the_same_network_is_refused_with_the_remedy(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    second = Settings(port=free_port(), state=tmp_path / ".localcloud", subnet=cloud.subnet)
    assert launcher.up(second) == 1
    assert f"Another local cloud (port {cloud.port}) holds the docker network" in capsys.readouterr().out
    assert not process.port_taken(second)


@pytest.mark.docker
@pytest.mark.slow
def test_two_clouds_with_the_same_account_have_separate_caches(cloud: Cloud, tmp_path: Path) -> None:
    second = Settings(port=free_port(), state=tmp_path / ".localcloud", subnet="169.254.181")
    assert launcher.up(second) == 0
    try:
        for running in (cloud, Cloud(second)):
            made = running.client("elasticache").create_replication_group(
                ReplicationGroupId="twins",
                ReplicationGroupDescription="one of two",
                Engine="redis",
                EngineVersion="7.1",
            )
            assert made["ReplicationGroup"]["Status"] in {"creating", "available"}
        addresses = {
            running.client("elasticache")
            .describe_replication_groups(ReplicationGroupId="twins")["ReplicationGroups"][0]["NodeGroups"][0][
                "PrimaryEndpoint"
            ]["Address"]
            .rpartition(".")[0]
            for running in (cloud, Cloud(second))
        }
        assert addresses == {cloud.subnet, second.subnet}
    finally:
        launcher.down(second)
        cloud.client("elasticache").delete_replication_group(ReplicationGroupId="twins")
