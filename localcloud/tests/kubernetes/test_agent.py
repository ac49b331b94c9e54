"""A node agent that was killed: the next one finds its pods, and leaves nothing behind of those that were deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from localcloud import containers
from localcloud.kubernetes import control_plane
from localcloud.kubernetes.api import Json
from localcloud.kubernetes.clusters import Cluster
from localcloud.kubernetes.node import Description
from localcloud.kubernetes.pod_containers import POD_LABEL
from localcloud.testing import microk8s
from localcloud.testing.cloud import Cloud, until

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def cluster(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster whose agent is in this process, on the network of the cloud."""
    microk8s.need_image()
    for name, value in replace(cloud.settings, state=tmp_path).environment().items():
        monkeypatch.setenv(name, value)
    address = containers.free_address(docker.from_env().containers)
    place = control_plane.Place("agent-test", address)
    made = Cluster(place, Description("node", address, 2, 4096))
    made.start()
    yield made
    made.remove()


def _pod(name: str) -> Json:
    spec = {"containers": [microk8s.container("sleep", "600")], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _containers(uid: str) -> set[str]:
    filters: dict[str, Any] = {"label": f"{POD_LABEL}={uid}"}
    return {str(found.id) for found in docker.from_env().containers.list(filters=filters)}


def test_the_next_agent_takes_the_pods_over_and_removes_what_was_deleted_meanwhile(cluster: Cluster) -> None:
    api = cluster.api
    assert api is not None

    def get(name: str) -> Json:
        return api.find(f"{PODS}/{name}") or {}

    def ready(name: str) -> bool:
        conditions = get(name).get("status", {}).get("conditions", [])
        return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)

    until("the service account exists", lambda: api.find("/api/v1/namespaces/default/serviceaccounts/default"))
    for name in ("kept", "deleted", "ending"):
        api.post(PODS, _pod(name))
    until("the pods are ready", lambda: all(ready(name) for name in ("kept", "deleted", "ending")))
    uids = {name: get(name)["metadata"]["uid"] for name in ("kept", "deleted", "ending")}
    before = _containers(uids["kept"])
    cluster.kill_agent()
    api.delete(f"{PODS}/deleted", {"gracePeriodSeconds": 0})
    api.delete(f"{PODS}/ending", {"gracePeriodSeconds": 1})
    assert get("ending")["metadata"]["deletionTimestamp"]
    cluster.start()
    until("the pod that was ending is gone", lambda: not get("ending"))
    until(
        "no container of deleted pods is left", lambda: not _containers(uids["deleted"]) | _containers(uids["ending"])
    )
    assert _containers(uids["kept"]) == before
    assert get("kept")["status"]["containerStatuses"][0]["restartCount"] == 0
    assert ready("kept")


def test_an_agent_that_is_killed_during_a_rollout_leaves_nothing_stuck(cluster: Cluster) -> None:
    api, path = cluster.api, "/apis/apps/v1/namespaces/default/deployments"
    assert api is not None
    ready = {"exec": {"command": ["true"]}, "periodSeconds": 1}

    def release(number: str) -> Json:
        env = [{"name": "RELEASE", "value": number}]
        spec = microk8s.container("sleep", "600", env=env, readinessProbe=ready)
        return microk8s.deployment("rolled", spec, replicas=2, terminationGracePeriodSeconds=1)

    def pods() -> list[Json]:
        return list(api.get(f"{PODS}?labelSelector=app%3Drolled")["items"])

    def settled(number: str) -> bool:
        status = (api.find(f"{path}/rolled") or {}).get("status", {})
        found = [pod["spec"]["containers"][0]["env"][0]["value"] for pod in pods()]
        return status.get("availableReplicas") == status.get("updatedReplicas") == 2 and found == [number] * 2

    account = "/api/v1/namespaces/default/serviceaccounts/default"
    until("the service account exists", lambda: api.find(account), seconds=180)
    api.post(path, release("1"))
    until("the first release runs", lambda: settled("1"), seconds=90)
    api.patch(f"{path}/rolled", release("2"))
    until("the rollout has begun", lambda: len(pods()) > 2)
    cluster.kill_agent()
    cluster.start()

    until("the second release runs", lambda: settled("2"), seconds=90)
    left = {pod["metadata"]["uid"] for pod in pods()}
    filters: dict[str, Any] = {"label": f"{control_plane.CLUSTER_LABEL}=agent-test"}

    def uids() -> set[str]:
        listed = docker.from_env().containers.list(all=True, ignore_removed=True, filters=filters)
        return {container.labels[POD_LABEL] for container in listed if POD_LABEL in container.labels}

    until("no container of the first release is left", lambda: uids() == left)
