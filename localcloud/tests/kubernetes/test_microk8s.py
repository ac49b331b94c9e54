"""A host with MicroK8s: its commands, rollouts without a failed request, and what pods that fail say."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import docker
import pytest

from localcloud.testing import microk8s
from localcloud.testing.cloud import Cloud, until
from localcloud.testing.microk8s import Cluster, container, deployment, load, web
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def cluster(cloud: Cloud) -> Cluster:
    """A host with MicroK8s."""
    return microk8s.cluster(cloud)


def test_microk8s_commands_act_as_on_ubuntu(cluster: Cluster) -> None:
    assert 'VERSION_ID="24.04"' in cluster.sh("cat /etc/os-release")
    assert "microk8s is running" in cluster.sh("microk8s status --wait-ready")
    assert "core/ingress: enabled" in cluster.sh("microk8s status --format short")
    assert f"https://{cluster.describe()['PrivateIpAddress']}:16443" in cluster.sh("microk8s config")
    with pytest.raises(subprocess.CalledProcessError, match="not available"):
        cluster.sh("microk8s enable gpu")
    with pytest.raises(subprocess.CalledProcessError, match="Unable to locate package nginx"):
        cluster.sh("apt-get install -y nginx")


def test_a_release_replaces_pods_without_a_failed_request(cluster: Cluster) -> None:
    cluster.apply(*web("shop", "one"))
    cluster.kubectl("rollout status deployment/shop --timeout=60s")
    url = f"http://{cluster.describe()['PrivateIpAddress']}/"
    with load(url, "shop.test") as sent:
        cluster.apply(*web("shop", "two"))
        cluster.kubectl("rollout status deployment/shop --timeout=60s")
        until("the new release serves", lambda: sent.answers["two"] >= 20)
        until("the old pods are gone", lambda: len(cluster.pods("shop")) == 2)
    assert sent.failures == []
    assert sent.answers["one"]
    assert {pod["status"]["phase"] for pod in cluster.pods("shop")} == {"Running"}
    assert cluster.kubectl("logs deployment/shop") == "serving two"
    assert "does not know the annotations nginx.ingress.kubernetes.io/proxy-body-size" in cluster.events("shop")
    assert cluster.get("ingress shop")["status"]["loadBalancer"]["ingress"] == [{"ip": "127.0.0.1"}]
    with pytest.raises(subprocess.CalledProcessError, match="404"):
        cluster.sh("curl -sS --fail http://localhost/")


def test_services_have_names_in_pods_and_exec_returns_the_exit_code(cluster: Cluster) -> None:
    cluster.apply(*web("named", "one"))
    cluster.kubectl("rollout status deployment/named --timeout=60s")
    asking = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode().split()[0])"
    for name in ("named", "named.default", "named.default.svc.cluster.local"):
        assert cluster.kubectl(f"exec deployment/named -- python -c '{asking}' http://{name}") == "one"
    with pytest.raises(subprocess.CalledProcessError, match="exit code 3"):
        cluster.kubectl("exec deployment/named -- sh -c 'exit 3'")
    assert cluster.sh("echo hello | timeout 20 microk8s kubectl exec -i deployment/named -- cat") == "hello"


def test_pods_that_cannot_start_say_why(cluster: Cluster) -> None:
    missing = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "key"}}}
    cluster.apply(
        deployment("crashing", container("python", "-c", "print('no database'); raise SystemExit(7)")),
        deployment("unpulled", container(image="111122223333.dkr.ecr.us-east-1.amazonaws.com/absent:1")),
        deployment("unset", container("sleep", "60", env=[missing])),
        deployment(
            "rooted",
            container("sleep", "60", securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
            volumes=[{"name": "all", "hostPath": {"path": "/"}}],
        ),
        deployment(
            "hungry", container("python", "-c", "x = bytearray(2**28)", resources={"limits": {"memory": "32Mi"}})
        ),
    )
    cluster.until_waiting("crashing", "CrashLoopBackOff")
    cluster.until_waiting("unpulled", "ImagePullBackOff")
    cluster.until_waiting("unset", "CreateContainerConfigError")
    assert 'secret "absent" not found' in cluster.events("unset")
    assert "no basic auth credentials" in cluster.events("unpulled")
    refused = cluster.events("rooted")
    assert "SYS_ADMIN" in refused
    assert "hostPath" in refused
    assert cluster.kubectl("logs deployment/crashing --previous") == "no database"
    ended = cluster.pods("crashing")[0]["status"]["containerStatuses"][0]
    assert (ended["lastState"]["terminated"]["exitCode"], ended["restartCount"] >= 1) == (7, True)
    until("the hungry pod was killed", lambda: "OOMKilled" in json.dumps(cluster.pods("hungry")))
    cluster.kubectl("delete deployment crashing unpulled unset rooted hungry --wait=false")


def test_an_image_of_ecr_needs_a_pull_secret_and_the_pod_tells_its_digest(cloud: Cloud, cluster: Cluster) -> None:
    ecr, name = cloud.client("ecr"), unique("shop")
    repository = ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    local = f"localhost:{cloud.port}/{name}:1"
    for command in (["tag", "debian:trixie-slim", local], ["push", "-q", local], ["rmi", local]):
        subprocess.run(["docker", *command], check=True, capture_output=True)
    [image] = ecr.describe_images(repositoryName=name)["imageDetails"]
    spec = container("sleep", "600", image=f"{repository}:1")
    private = deployment("private", spec, imagePullSecrets=[{"name": "registry"}], terminationGracePeriodSeconds=1)
    cluster.apply(private)
    until("the pull fails", lambda: cluster.waiting("private") & {"ErrImagePull", "ImagePullBackOff"})
    cluster.sh(
        f"microk8s kubectl create secret docker-registry registry --docker-server={repository.partition('/')[0]} "
        '--docker-username=AWS --docker-password="$(aws ecr get-login-password)"'
    )
    cluster.kubectl("rollout restart deployment/private")
    cluster.kubectl("rollout status deployment/private --timeout=60s")
    until("one pod is left", lambda: len(cluster.pods("private")) == 1)
    [pod] = cluster.pods("private")
    assert pod["status"]["containerStatuses"][0]["imageID"] == f"{repository}@{image['imageDigest']}"
    cluster.kubectl("delete deployment private --wait=false")


def test_a_job_runs_once_and_its_failure_is_seen(cluster: Cluster) -> None:
    def job(name: str, command: str) -> dict[str, Any]:
        pod = {"restartPolicy": "Never", "containers": [container("sh", "-c", command)]}
        spec = {"backoffLimit": 0, "template": {"metadata": {"labels": {"app": name}}, "spec": pod}}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}

    cluster.apply(job("migrate", "echo migrated"), job("broken", "echo wrong; exit 4"))
    cluster.kubectl("wait --for=condition=complete job/migrate --timeout=40s")
    cluster.kubectl("wait --for=condition=failed job/broken --timeout=40s")
    assert cluster.kubectl("logs job/migrate") == "migrated"
    assert cluster.kubectl("logs job/broken") == "wrong"
    [pod] = cluster.pods("broken")
    assert pod["status"]["phase"] == "Failed"
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 4


def test_a_killed_control_plane_comes_back_with_its_pods(cluster: Cluster) -> None:
    cluster.apply(deployment("lasting", container("sleep", "600"), terminationGracePeriodSeconds=1))
    cluster.kubectl("rollout status deployment/lasting --timeout=60s")
    [before] = cluster.pods("lasting")
    client = docker.from_env()
    client.containers.get(f"{cluster.cloud.settings.network}-kubernetes-{cluster.id}").kill()

    def answers() -> bool:
        try:
            return bool(cluster.pods("lasting"))
        except subprocess.CalledProcessError:
            return False

    until("the API server answers again", answers, seconds=90)
    [after] = cluster.pods("lasting")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0
    cluster.kubectl("delete deployment lasting --timeout=50s")
    until("its pod ends", lambda: not cluster.pods("lasting"))
