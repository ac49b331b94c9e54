"""A local cloud that is killed in the middle of a rollout on EKS fails the run at its next start and leaves nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from localcloud import launcher, process
from localcloud.kubernetes.control_plane import CLUSTER_LABEL
from localcloud.settings import LABEL, Settings
from localcloud.testing.cloud import until
from tests.end_to_end.hosts_products.book_shop_eks import demonstrated
from tests.end_to_end.hosts_products.shown import LONGEST, Shown

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Shown]:
    with demonstrated(tmp_path_factory, common) as shown:
        yield shown


def test_a_local_cloud_that_is_killed_during_a_rollout_fails_the_run_and_leaves_nothing(shop: Shown) -> None:
    settings = shop.cloud.settings
    of_this_cloud: dict[str, Any] = {"label": [CLUSTER_LABEL, f"{LABEL}.port={settings.port}"]}
    # Its pods never get ready, so that the rollout takes its whole time.
    slow = shop.commit(
        "k8s/app-prod.yaml", "httpGet: {path: /status/, port: http}", "httpGet: {path: /no/, port: http}"
    )
    shop.push()
    run = shop.run_of("main", slow)
    pods = {container.id for container in docker.from_env().containers.list(filters=of_this_cloud)}
    assert pods
    until("new pods", lambda: shop.status("main", run, "Production/Deploy") == "InProgress", LONGEST)
    until("a new pod", lambda: {c.id for c in docker.from_env().containers.list(filters=of_this_cloud)} - pods, 120)

    subprocess.run(["kill", "-9", str(process.running(settings))], check=True)
    until("the end of the process", lambda: not process.running(settings))
    assert launcher.up(settings) == 0

    assert "The local cloud was restarted" in shop.refused("main", slow)
    assert docker.from_env().containers.list(all=True, filters=of_this_cloud) == []
