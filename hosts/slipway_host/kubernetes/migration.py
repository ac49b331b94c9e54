"""Migrations: one Job with the pod template of the deployment, which is run once and removed."""

from __future__ import annotations

import copy
import time
from typing import Any

from slipway_host.kubernetes.cluster import Cluster
from slipway_host.kubernetes.rendering import MANAGED, Object, Place, Rendered
from slipway_host.kubernetes.settings import Migration
from slipway_host.output import Failed, Output

_LABEL = {"slipway/job": "migration"}
_LINES = 60  # of its output
_PAUSE_SECONDS = 1.0
# What a copy of a container must not have: it serves nothing, and ends by itself.
_OF_A_SERVER = ("livenessProbe", "readinessProbe", "startupProbe", "ports", "lifecycle", "command")
_OF_A_REPLICA = ("affinity", "topologySpreadConstraints", "initContainers")


def job(rendered: Rendered, place: Place, migration: Migration, release: str) -> Object:
    """Returns the Job of a release.

    Raises:
        Failed: if the deployment has no such container.
    """
    deployment = rendered.deployment(place.deployment)
    template = copy.deepcopy((deployment or {}).get("spec", {}).get("template") or {})
    pod = template.get("spec") or {}
    container = next((found for found in pod.get("containers") or [] if found.get("name") == place.container), None)
    if container is None:
        raise Failed(f"the manifests have no container {place.container} in the deployment {place.deployment}")
    kept = {name: value for name, value in container.items() if name not in _OF_A_SERVER}
    spec = {name: value for name, value in pod.items() if name not in _OF_A_REPLICA}
    labels = {**MANAGED, **_LABEL}  # not the deployment's, or its Service would send requests here
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"slipway-migration-{release[:12]}", "namespace": place.namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": int(migration.timeout_seconds),
            "template": {
                "metadata": {"labels": labels},
                "spec": {**spec, "restartPolicy": "Never", "containers": [{**kept, "args": list(migration.command)}]},
            },
        },
    }


def run(cluster: Cluster, output: Output, wanted: Object, migration: Migration) -> None:
    """Runs a Job until it ends, and removes it.

    Raises:
        Failed: if its command does not end with 0 in time.
    """
    remove(cluster)  # one that a killed step has left
    cluster.apply([wanted])
    output.say(f"running {' '.join(migration.command)} in the job {wanted['metadata']['name']}")
    try:
        _wait(cluster, output, wanted["metadata"]["name"], migration)
    finally:
        remove(cluster)


def remove(cluster: Cluster) -> None:
    """Removes the Jobs of migrations, with their pods."""
    selector = ",".join(f"{name}={value}" for name, value in _LABEL.items())
    cluster.delete(f"Job/{found['metadata']['name']}" for found in cluster.get("jobs", selector=selector))


def _wait(cluster: Cluster, output: Output, name: str, migration: Migration) -> None:
    deadline = time.monotonic() + migration.timeout_seconds
    while True:
        (found,) = cluster.get("job", name) or [{}]
        status = found.get("status") or {}
        if status.get("succeeded") or status.get("failed") or not found or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_SECONDS)
    pods = cluster.get("pods", selector=f"job-name={name}")
    for pod in pods[-1:]:
        container = pod["spec"]["containers"][0]["name"]
        lines = cluster.log(pod["metadata"]["name"], container, _LINES).splitlines()
        output.say("\n".join(f"  | {line}" for line in lines) or "  | (no output)")
    if not status.get("succeeded"):
        raise Failed(f"the migration {_end(pods, migration)}; what it printed is above")


def _end(pods: list[dict[str, Any]], migration: Migration) -> str:
    """Returns how a migration ended that did not succeed."""
    for pod in reversed(pods):
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            state = status.get("state") or {}
            if ended := state.get("terminated"):
                return f"ended with {ended.get('exitCode')} ({ended.get('reason')})"
            if waiting := state.get("waiting"):
                return f"did not start: {waiting.get('reason')} {waiting.get('message') or ''}".rstrip()
    return f"did not end within {migration.timeout_seconds:.0f} seconds and was stopped"
