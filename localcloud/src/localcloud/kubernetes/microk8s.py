"""MicroK8s on hosts: `snap install microk8s` starts a control plane beside the host; the host's agent leads there."""

from __future__ import annotations

import logging
import threading
from typing import Any

import docker
from docker.errors import DockerException

from localcloud import containers, settings
from localcloud.ec2 import devices, machines, metadata, types
from localcloud.ec2.docker import ports
from localcloud.ec2.docker.owned import EBS_LABEL
from localcloud.ec2.machines import Machine
from localcloud.kubernetes import clusters, control_plane
from localcloud.kubernetes.api import ApiError, Json
from localcloud.kubernetes.clusters import Cluster
from localcloud.kubernetes.control_plane import ControlPlaneError, Place
from localcloud.kubernetes.node import Description

SYMBOLS: tuple[str, ...] = (*clusters.SYMBOLS, *machines.SYMBOLS)

_CREDENTIALS = "/var/snap/microk8s/current/credentials"
_API_PORT, _HTTP_PORT = 16443, 80
_INGRESS_PARTS: tuple[tuple[str, Json], ...] = (
    ("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ingress"}}),
    (
        "/apis/networking.k8s.io/v1/ingressclasses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {
                "name": "public",
                "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"},
            },
            "spec": {"controller": "k8s.io/ingress-nginx"},
        },
    ),
    (
        "/apis/networking.k8s.io/v1/ingressclasses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "nginx"},
            "spec": {"controller": "k8s.io/ingress-nginx"},
        },
    ),
    (
        "/api/v1/namespaces/ingress/configmaps",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nginx-load-balancer-microk8s-conf"}},
    ),
)
_clusters: dict[str, Cluster] = {}
_addons: dict[str, set[str]] = {}
_starting: set[str] = set()
_guard = threading.Lock()
logger = logging.getLogger("localcloud")


def _node_name(machine: Machine) -> str:
    return f"ip-{machine.address.replace('.', '-')}"


def _made(machine: Machine, volume: str) -> Cluster:
    network = settings.current().network
    is_attached = volume in {attached["VolumeId"] for attached in machine.volumes()}
    place = Place(
        cluster=machine.id,
        address=containers.free_address(docker.from_env(timeout=60).containers),
        names=(machine.address,),
        volume=f"{network}-kubernetes-{volume}" if is_attached else "",
        volume_labels=((EBS_LABEL, volume),) if is_attached else (),
    )
    kind = types.OFFERED.get(machine.record["InstanceType"])
    zone = machine.record["Placement"]["AvailabilityZone"]
    labels = {
        "microk8s.io/cluster": "true",
        "node.kubernetes.io/microk8s-controlplane": "microk8s-controlplane",
        "topology.kubernetes.io/zone": zone,
    }
    vcpus, memory = (kind.vcpus, kind.memory_mib) if kind is not None else (2, 4096)
    return Cluster(place, Description(_node_name(machine), machine.address, vcpus, memory, labels))


def _start_in_background(machine: Machine, cluster: Cluster) -> None:
    with _guard:
        _starting.add(machine.id)

    def run() -> None:
        try:
            cluster.start()
            _finish(machine, cluster)
        except (ControlPlaneError, ApiError, DockerException, OSError) as error:
            cluster.failure = str(error)
            logger.warning("MicroK8s of %s: %s", machine.id, error)
        finally:
            with _guard:
                _starting.discard(machine.id)

    threading.Thread(target=run, daemon=True, name="localcloud-microk8s").start()


def _finish(machine: Machine, cluster: Cluster) -> None:
    """Gives the host the administrator's kubeconfig, and the port of MicroK8s' API server."""
    config = control_plane.kubeconfig(cluster.place, f"https://127.0.0.1:{_API_PORT}")
    container = machines.container_of(machine)
    devices.put(container, _CREDENTIALS, {"client.config": config.encode()}, mode=0o660)
    container.exec_run(["chgrp", "microk8s", f"{_CREDENTIALS}/client.config"])
    ports.sync(machine)


def _relays(machine: Machine) -> list[list[Any]]:
    """Returns what the host's agent relays for MicroK8s, whose API server listens at another port than k3s'."""
    if machine.id not in _clusters:
        return []
    target = _clusters[machine.id].place.address
    wanted = [(_API_PORT, control_plane.PORT)]
    if _clusters[machine.id].has_ingress:
        wanted.append((_HTTP_PORT, _HTTP_PORT))
    places = ("127.0.0.1", machine.address)
    return [[address, outer, target, inner] for address in places for outer, inner in wanted]


# --- what the host asks ----------------------------------------------------------------------------------------------


def _answer(machine: Machine, path: list[str]) -> dict[str, Any]:
    verb, argument = path[0], (path[1:] or [""])[0]
    cluster = _clusters.get(machine.id)
    if verb == "install":
        if cluster is None:
            cluster = _clusters[machine.id] = _made(machine, argument)
            _start_in_background(machine, cluster)
        return {}
    if cluster is None:
        return {"error": "microk8s is not installed"}
    if verb == "status":
        return _status(machine, cluster)
    if verb == "enable":
        return _enabled(machine, cluster, argument)
    if verb == "start" and not cluster.is_ready and machine.id not in _starting:
        _start_in_background(machine, cluster)
    if verb == "stop":
        cluster.stop()
    return {}


def _status(machine: Machine, cluster: Cluster) -> dict[str, Any]:
    with _guard:
        state = "starting" if machine.id in _starting else "running" if cluster.is_ready else "stopped"
    addons = sorted(_addons.get(machine.id, ()))
    return {"state": state, "reason": cluster.failure, "address": machine.address, "addons": addons}


def _enabled(machine: Machine, cluster: Cluster, addon: str) -> dict[str, Any]:
    if not cluster.is_ready or cluster.api is None:
        return {"error": "microk8s is not running, try microk8s status --wait-ready"}
    _addons.setdefault(machine.id, set()).add(addon)
    if addon == "ingress":
        try:
            for path, thing in _INGRESS_PARTS:
                cluster.api.apply(path, thing)
        except ApiError as error:
            return {"error": str(error)}
        cluster.serve_ingresses()
        threading.Thread(target=ports.sync, args=(machine,), daemon=True, name="localcloud-microk8s").start()
    return {}


# --- the life of the host --------------------------------------------------------------------------------------------


def _started(machine: Machine) -> None:
    cluster = _clusters.get(machine.id)
    if cluster is not None:
        _start_in_background(machine, cluster)


def _stopping(machine: Machine) -> None:
    cluster = _clusters.get(machine.id)
    if cluster is not None:
        cluster.stop()


def _removing(machine: Machine) -> None:
    cluster = _clusters.pop(machine.id, None)
    _addons.pop(machine.id, None)
    if cluster is not None:
        cluster.remove()


def install() -> None:
    """Let hosts install MicroK8s."""
    if not settings.current().docker:
        return
    metadata.OWN["microk8s"] = _answer
    machines.on_started.append(_started)
    machines.on_stopping.append(_stopping)
    machines.on_removing.append(_removing)
    ports.MORE.append(_relays)
