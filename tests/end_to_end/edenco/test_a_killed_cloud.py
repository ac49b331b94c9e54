"""A local cloud that is killed in the middle of a release fails the run at its next start and leaves nothing."""

from __future__ import annotations

import subprocess

import docker
import pytest

from localcloud import launcher, process
from localcloud.testing.cloud import until
from tests.end_to_end.edenco.product import Edenco
from tests.end_to_end.edenco.test_drills import deploying, instance, said

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]


def test_a_local_cloud_that_is_killed_during_a_release_fails_the_run_and_leaves_nothing(edenco: Edenco) -> None:
    run, settings = edenco.push("Release while the cloud is killed"), edenco.cloud.settings
    deploying(edenco, run)
    hosts = docker.from_env().containers.list(filters={"name": instance(edenco)})
    assert hosts

    subprocess.run(["kill", "-9", str(process.running(settings))], check=True)
    until("the end of the process", lambda: not process.running(settings))
    assert launcher.up(settings) == 0

    action = edenco.ended(run)["Staging/Deploy"]
    assert (edenco.status(run), action["status"]) == ("Failed", "Failed")
    assert "The local cloud was restarted" in said(action)
    assert f"run {run[:8]} Failed" in edenco.slipway("status")
    left = {container.id for container in docker.from_env().containers.list(all=True)}
    assert not left & {host.id for host in hosts}
