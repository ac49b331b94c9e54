"""Releases on MicroK8s: what the cluster gets, what happens to a release that fails, and what a report says."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.hosts.machine import PASSWORD, Ended, Machine
from tests.hosts.microk8s import MICROK8S

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
OLD, NEW = "a" * 64, "b" * 64
OBJECTS: list[dict[str, Any]] = [
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "django-app"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop"}},
                "spec": {
                    "initContainers": [{"name": "assets", "image": "book-shop:old"}],
                    "containers": [
                        {
                            "name": "django-container",
                            "image": "book-shop:latest",
                            "command": ["gunicorn"],
                            "readinessProbe": {"httpGet": {"path": "/", "port": 8000}},
                            "envFrom": [
                                {"secretRef": {"name": "django-app"}},
                                {"configMapRef": {"name": "django-app"}},
                            ],
                        },
                        {"name": "helper", "image": "example.org/app:1"},
                    ],
                    "volumes": [{"name": "keys", "secret": {"secretName": "django-app"}}],
                },
            },
        },
    },
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "django-app"}, "spec": {"ports": [{"port": 80}]}},
]


class Cluster:
    """A host with MicroK8s, on which a shop is released."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.install("microk8s", MICROK8S)
        machine.configuration = {
            "target": "kubernetes",
            "folder": str(machine.folder),
            "objects": "kubernetes/production.json",
            "namespace": "shop",
            "deployment": "django-app",
            "container": "django-container",
            "image": "app",
            "config_map": "django-app",
            "secret": "django-app",
            "config": [["RELEASE_VERSION", [{"release": "version"}]], ["RELEASE_IMAGE", [{"image": "app"}]]],
            "secrets": [["DATABASE_URL", ["postgresql://shop:", {"secret": "database", "key": "password"}, "@db"]]],
            "registry": REGISTRY,
            "migration": {"command": ["python", "manage.py", "migrate"], "timeout_seconds": 60},
            "rollout_seconds": 60,
            "verify": None,
            "keep_releases": 2,
        }

    def release(self, version: str, digest: str, objects: list[dict[str, Any]] | None = None) -> str:
        images = {"app": f"{REGISTRY}/shop/app@sha256:{digest}"}
        files = {"kubernetes/production.json": json.dumps(OBJECTS if objects is None else objects)}
        return self.machine.release(version, images, files)

    def fault(self, **faults: Any) -> None:
        (self.machine.aws / "cluster-faults").write_text(
            json.dumps({name.replace("_", " "): value for name, value in faults.items()})
        )

    @property
    def objects(self) -> dict[str, Any]:
        """The cluster's objects by kind/name."""
        found: dict[str, Any] = json.loads((self.machine.aws / "cluster.json").read_text())
        return found

    def made(self, kind: str) -> list[dict[str, Any]]:
        """The ConfigMaps or Secrets that Slipway generated."""
        return [part for key, part in self.objects.items() if key.startswith(f"{kind}/django-app-")]

    @property
    def pod(self) -> dict[str, Any]:
        return dict(self.objects["Deployment/django-app"]["spec"]["template"]["spec"])


@pytest.fixture
def cluster(machine: Machine) -> Cluster:
    return Cluster(machine)


def succeeded(ended: Ended) -> Ended:
    assert ended.code == 0, ended.printed
    return ended


def test_a_release_puts_its_digest_into_the_containers_that_run_its_image(cluster: Cluster) -> None:
    ended = succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))

    image = f"{REGISTRY}/shop/app@sha256:{OLD}"
    assert [part["image"] for part in (*cluster.pod["initContainers"], *cluster.pod["containers"])] == [image] * 3
    assert set(ended.report["images"].values()) == {f"sha256:{OLD}"}
    assert ended.report["state"] == "running"
    assert cluster.objects["Deployment/django-app"]["metadata"]["namespace"] == "shop"


def test_variables_are_objects_that_are_named_after_their_content_and_never_change(cluster: Cluster) -> None:
    ended = succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))

    (config,), (secret,) = cluster.made("ConfigMap"), cluster.made("Secret")
    assert config["data"] == {"RELEASE_VERSION": "1.0.0", "RELEASE_IMAGE": f"{REGISTRY}/shop/app@sha256:{OLD}"}
    assert base64.b64decode(secret["data"]["DATABASE_URL"]).decode() == f"postgresql://shop:{PASSWORD}@db"
    assert config["immutable"] is secret["immutable"] is True
    names = {"secretRef": secret["metadata"]["name"], "configMapRef": config["metadata"]["name"]}
    assert cluster.pod["containers"][0]["envFrom"] == [{key: {"name": name}} for key, name in names.items()]
    assert cluster.pod["volumes"][0]["secret"] == {"secretName": secret["metadata"]["name"]}
    assert PASSWORD not in ended.printed


def test_a_changed_secret_rolls_out_and_an_unchanged_release_does_nothing(cluster: Cluster) -> None:
    cluster.machine.make_current(cluster.release("1.0.0", OLD))
    succeeded(cluster.machine.run("apply"))
    assert "nothing to do" in succeeded(cluster.machine.run("apply")).printed
    before = cluster.pod["volumes"]
    cluster.machine.secret("database", json.dumps({"password": "changed-since"}))

    succeeded(cluster.machine.run("apply"))

    assert cluster.pod["volumes"] != before


def test_pods_pull_with_a_password_of_the_hosts_role(cluster: Cluster) -> None:
    succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))

    secret = cluster.objects["Secret/slipway-registry"]
    login = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"][REGISTRY]
    assert (login["username"], login["password"]) == ("AWS", "token-of-the-registry")
    assert cluster.pod["imagePullSecrets"] == [{"name": "slipway-registry"}]


def test_a_timer_renews_the_password(cluster: Cluster) -> None:
    ended = cluster.machine.run("renew")

    assert "Secret/slipway-registry" in cluster.objects
    assert ended.code == 0


def test_an_image_that_never_becomes_ready_is_undone_and_explained(cluster: Cluster) -> None:
    good = cluster.release("1.0.0", OLD)
    succeeded(cluster.machine.run("apply", good))
    before = cluster.pod
    cluster.fault(never_ready=NEW)

    ended = cluster.machine.run("apply", cluster.release("2.0.0", NEW))

    assert ended.code == 1
    assert ended.report["state"] == "restored"
    assert ended.report["release"] == good
    assert cluster.pod == before  # the same ReplicaSet: no pod of the old release was stopped for it
    assert "the rollout of django-app did not end: error: timed out" in ended.printed
    assert "CrashLoopBackOff: back-off" in ended.printed
    assert "BackOff: Back-off restarting failed container" in ended.printed
    assert "  | the log of django-app-" in ended.printed


def test_a_rejected_apply_changes_nothing(cluster: Cluster) -> None:
    succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))
    before = {name: part for name, part in cluster.objects.items() if name != "Secret/slipway-registry"}
    cluster.fault(refused="Service/django-app")

    ended = cluster.machine.run("apply", cluster.release("2.0.0", NEW))

    assert ended.code == 1
    assert "FAILED before anything was changed: the cluster refuses the objects" in ended.printed
    assert "Service/django-app is invalid: spec.replicas: Invalid value" in ended.printed
    assert {name: part for name, part in cluster.objects.items() if name != "Secret/slipway-registry"} == before
    assert ended.report["state"] == "restored"


def test_the_first_release_that_fails_stays_to_be_looked_at(cluster: Cluster) -> None:
    cluster.fault(never_ready=NEW)

    ended = cluster.machine.run("apply", cluster.release("1.0.0", NEW))

    assert ended.report["state"] == "failed"
    assert "there is no other release to go back to" in ended.printed
    assert "Deployment/django-app" in cluster.objects


def test_objects_that_a_release_lacks_are_removed_and_variables_of_older_ones(cluster: Cluster) -> None:
    worker = {**OBJECTS[1], "metadata": {"name": "worker"}}
    for version, objects in (("1.0.0", [*OBJECTS, worker]), ("2.0.0", OBJECTS), ("3.0.0", OBJECTS)):
        succeeded(cluster.machine.run("apply", cluster.release(version, OLD, objects)))

    assert "Service/worker" not in cluster.objects
    assert {part["data"]["RELEASE_VERSION"] for part in cluster.made("ConfigMap")} == {"2.0.0", "3.0.0"}


def test_changed_replicas_take_effect(cluster: Cluster) -> None:
    succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))
    changed = json.loads(json.dumps(OBJECTS))
    changed[0]["spec"]["replicas"] = 3

    ended = succeeded(cluster.machine.run("apply", cluster.release("1.0.1", OLD, changed)))

    assert cluster.objects["Deployment/django-app"]["spec"]["replicas"] == 3
    assert len([name for name in ended.report["images"] if name.endswith("/django-container")]) == 3


def test_a_migration_is_one_job_with_the_new_image_that_serves_nothing(cluster: Cluster) -> None:
    ended = succeeded(cluster.machine.run("migrate", cluster.release("1.0.0", NEW)))

    assert "running python manage.py migrate in the job slipway-migration-" in ended.printed
    assert "  | the log of slipway-migration-" in ended.printed
    assert not any(name.startswith(("Job/", "Deployment/")) for name in cluster.objects)


def test_a_migration_that_fails_is_told_with_its_exit_code_and_log(cluster: Cluster) -> None:
    cluster.fault(migration=3)

    ended = cluster.machine.run("migrate", cluster.release("1.0.0", NEW))

    assert ended.code == 1
    assert "the migration ended with 3 (Error); what it printed is above" in ended.printed
    assert not any(name.startswith("Job/") for name in cluster.objects)


def test_a_report_changes_nothing_and_notices_another_image(cluster: Cluster) -> None:
    succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))
    assert succeeded(cluster.machine.run("report")).report["state"] == "running"
    changed = cluster.objects
    pod = changed["Deployment/django-app"]["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = f"{REGISTRY}/shop/app@sha256:{NEW}"
    (cluster.machine.aws / "cluster.json").write_text(json.dumps(changed))

    ended = cluster.machine.run("report")

    assert ended.report["state"] == "failed"
    assert f"runs sha256:{NEW}, not sha256:{OLD}" in ended.printed


def test_restore_does_not_go_back_by_itself(cluster: Cluster) -> None:
    succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))
    cluster.fault(never_ready=NEW)

    ended = cluster.machine.run("restore", cluster.release("2.0.0", NEW))

    assert ended.report["state"] == "failed"


def test_the_end_of_the_output_names_pods_reasons_and_logs(cluster: Cluster) -> None:
    """The pipeline's message has the last 40 lines (lambda/deploy_hosts/commands.py)."""
    succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD)))
    cluster.fault(never_ready=NEW, log_lines=100)

    ended = cluster.machine.run("apply", cluster.release("2.0.0", NEW))

    last = "\n".join(ended.printed.splitlines()[-40:])
    assert last.count("pod django-app-") == 2
    assert "CrashLoopBackOff: back-off" in last
    assert "  | the log of django-app-" in last
    assert "1.0.0 runs again" in last


def test_a_message_that_quotes_the_secret_does_not_show_it(cluster: Cluster) -> None:
    sha = cluster.release("1.0.0", OLD)
    succeeded(cluster.machine.run("apply", sha))
    (secret,) = cluster.made("Secret")
    cluster.fault(refused=f"Secret/{secret['metadata']['name']}")

    ended = cluster.machine.run("apply", sha)

    assert "is invalid: spec.replicas: Invalid value" in ended.printed
    assert secret["data"]["DATABASE_URL"] not in ended.printed


def test_a_config_map_of_the_product_stays_whatever_its_labels(cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/managed-by": "slipway"}
    own = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own", "labels": labels}, "data": {}}

    succeeded(cluster.machine.run("apply", cluster.release("1.0.0", OLD, [*OBJECTS, own])))

    assert "ConfigMap/own" in cluster.objects
