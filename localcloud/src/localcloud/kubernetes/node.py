"""The node agent of one cluster: registers a node, and runs the pods that the scheduler binds to it.

It plays the kubelet. Its containers outlive it: an agent that starts finds the pods of the one before.
"""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from localcloud.kubernetes import pods
from localcloud.kubernetes.api import Api, ApiError, Json, Watch
from localcloud.kubernetes.config import Config
from localcloud.kubernetes.control_plane import API_HOST, CLUSTER_LABEL, PORT, ROLE_LABEL, Place
from localcloud.kubernetes.events import Events, now
from localcloud.kubernetes.images import Puller
from localcloud.kubernetes.pod_containers import POD_LABEL, remove_pod
from localcloud.kubernetes.pods import Pod
from localcloud.kubernetes.routing import Router

SYMBOLS: tuple[str, ...] = pods.SYMBOLS

KUBELET_PORT = 10250
_LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_HEARTBEAT_SECONDS = 10.0
_LEASE_SECONDS = 40
_FAILURES = 3
_MOST_PODS = 110
_EVENT_SECONDS = 3600
logger = logging.getLogger("localcloud")


@dataclass(frozen=True)
class Description:
    """The status that a node reports."""

    name: str
    address: str
    cpus: int
    memory_mib: int
    labels: Mapping[str, str] = field(default_factory=dict)

    def object(self) -> Json:
        """Returns the node as it is registered."""
        chip = "arm64" if platform.machine() in ("aarch64", "arm64") else "amd64"
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": chip}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": {**labels, **self.labels}},
            "spec": {},
        }

    def status(self) -> Json:
        """Returns the node's status."""
        capacity = {"cpu": str(self.cpus), "memory": f"{self.memory_mib}Mi", "pods": str(_MOST_PODS)}
        reasons = {
            "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
            "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
            "PIDPressure": ("False", "KubeletHasSufficientPID"),
            "Ready": ("True", "KubeletReady"),
        }
        return {
            "capacity": {**capacity, "ephemeral-storage": "20Gi"},
            "allocatable": {**capacity, "ephemeral-storage": "20Gi"},
            "conditions": [
                {
                    "type": kind,
                    "status": value,
                    "reason": reason,
                    "lastHeartbeatTime": now(),
                    "lastTransitionTime": now(),
                }
                for kind, (value, reason) in reasons.items()
            ],
            "addresses": [
                {"type": "InternalIP", "address": self.address},
                {"type": "Hostname", "address": self.address},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
            "nodeInfo": {
                "architecture": self.object()["metadata"]["labels"]["kubernetes.io/arch"],
                "operatingSystem": "linux",
                "osImage": "the local cloud",
                "kernelVersion": platform.release(),
                "containerRuntimeVersion": "docker://localcloud",
                "kubeletVersion": "v1.34.1+localcloud",
                "kubeProxyVersion": "v1.34.1+localcloud",
                "machineID": self.name,
                "systemUUID": self.name,
                "bootID": self.name,
            },
        }


class Identities:
    """The AWS side of a pod: no role and no target of a load balancer, unless its cluster belongs to EKS."""

    def of(self, _pod: Json) -> Mapping[str, str]:
        """Returns the variables with which SDKs in a pod find credentials."""
        return {}

    def withdrawn(self, _address: str) -> None:
        """Waits until no load balancer sends requests to a pod's address, for a moment at most."""

    def forget(self, _uid: str) -> None:
        """Takes the credentials of a pod back."""


class Agent:
    """The agent of one node."""

    def __init__(  # noqa: PLR0917 - what makes one node differ from another
        self,
        place: Place,
        api: Api,
        description: Description,
        router: Router,
        puller: Puller,
        on_lost: Callable[[], None] = lambda: None,
        identities: Identities | None = None,
    ) -> None:
        """`on_lost` is called when the control plane has ended."""
        self.place, self.cluster, self.api = place, place.cluster, api
        self.puller, self.router = puller, router
        self._identities = identities or Identities()
        self.address = description.address
        self.events = Events(api, description.name)
        self._description, self._on_lost = description, on_lost
        self._pods: dict[str, Pod] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        selector = {"fieldSelector": f"spec.nodeName={description.name}"}
        self._watch = Watch(api, "/api/v1/pods", self._changed, selector)

    # --- what pods need ----------------------------------------------------------------------------------------------

    def config(self, pod: Json) -> Config:
        """Returns what a pod reads from the API."""
        own = self._description
        node = {
            "address": own.address,
            "api_host": API_HOST,
            "api_port": str(PORT),
            "cpu": str(own.cpus),
            "memory": str(own.memory_mib * 2**20),
            "ephemeral-storage": str(20 * 2**30),
        }
        services = self.router.services(pod["metadata"]["namespace"])
        return Config(self.api, pod, node, services, self._identities.of(pod))

    def withdraw(self, address: str) -> None:
        """Waits until nothing routes to an address any more, for a moment at most."""
        self._identities.withdrawn(address)
        self.router.withdrawn(address)

    def forget(self, uid: str) -> None:
        """Forgets a pod that is gone."""
        self._identities.forget(uid)
        with self._lock:
            self._pods.pop(uid, None)

    def find(self, namespace: str, name: str) -> Pod | None:
        """Returns a pod of this node; None if it does not run here."""
        with self._lock:
            every = list(self._pods.values())
        return next(
            (p for p in every if (p.pod["metadata"]["namespace"], p.pod["metadata"]["name"]) == (namespace, name)), None
        )

    # --- the life of the agent ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Registers the node and begins to run pods.

        Raises:
            ApiError: if the API server does not accept the node.
        """
        self._register()
        self._watch.start()
        self._watch.listed.wait(30)
        self._remove_strangers()
        for work in (self._beat, self._listen):
            threading.Thread(target=work, daemon=True, name="localcloud-kubernetes-node").start()

    def stop(self) -> None:
        """Ends the agent; the pods' containers go on."""
        self._stopped.set()
        self._watch.stop()
        with self._lock:
            running = list(self._pods.values())
        for pod in running:
            pod.abandon()

    def _register(self) -> None:
        own = self._description
        for node in self.api.get("/api/v1/nodes")["items"]:
            if node["metadata"]["name"] != own.name:  # of a host that this one replaces, with the same data volume
                self._evict(node["metadata"]["name"])
        self.api.apply("/api/v1/nodes", own.object())
        path = f"/api/v1/nodes/{own.name}"
        self.api.patch(f"{path}/status", {"status": own.status()})
        self.api.patch(path, {"spec": {"taints": None, "unschedulable": None}})
        self._renew()

    def _evict(self, name: str) -> None:
        for pod in self.api.get(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{name}")["items"]:
            metadata = pod["metadata"]
            body = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
            self.api.delete(f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}", body)
        self.api.delete(f"/api/v1/nodes/{name}")

    def _renew(self) -> None:
        name, stamp = self._description.name, now().replace("Z", ".000000Z")
        spec = {"holderIdentity": name, "leaseDurationSeconds": _LEASE_SECONDS, "renewTime": stamp}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
        try:
            self.api.apply(_LEASE, lease)
        except ApiError as error:
            if error.status != 404:  # noqa: PLR2004 - the namespace appears a moment after the API server
                raise

    def _beat(self) -> None:
        failures = 0
        while not self._stopped.wait(_HEARTBEAT_SECONDS):
            try:
                self._renew()
                conditions = self._description.status()["conditions"]
                self.api.patch(f"/api/v1/nodes/{self._description.name}/status", {"status": {"conditions": conditions}})
                failures = 0
            except ApiError as error:
                failures += 1
                logger.warning("cluster %s: the API server does not take the heartbeat: %s", self.cluster, error)
                if failures % _FAILURES == 0:
                    self._on_lost()

    def _remove_strangers(self) -> None:
        """Removes the containers of pods that were deleted while no agent ran."""
        client = docker.from_env(timeout=60)
        with self._lock:
            known = set(self._pods)
        filters: dict[str, Any] = {"label": f"{CLUSTER_LABEL}={self.cluster}"}
        listed = client.containers.list(all=True, ignore_removed=True, filters=filters)
        for uid in {container.labels.get(POD_LABEL, "") for container in listed} - known - {""}:
            remove_pod(client, uid)

    # --- changes -----------------------------------------------------------------------------------------------------

    def _changed(self, kind: str, pod: Json) -> None:
        uid = pod["metadata"]["uid"]
        with self._lock:
            known = self._pods.get(uid)
            if known is None and kind != "DELETED":
                known = self._pods[uid] = Pod(self, pod)
                known.start()
                return
        if known is not None:
            known.update(pod)
            if kind == "DELETED":
                known.gone()

    def _ended(self, labels: Mapping[str, str]) -> None:
        """Takes note that a container of the cluster has ended."""
        with self._lock:
            pod = self._pods.get(labels.get(POD_LABEL, ""))
        if pod is not None:
            pod.wake()
        if labels.get(ROLE_LABEL) == "control-plane":
            threading.Thread(target=self._on_lost, daemon=True, name="localcloud-kubernetes-again").start()

    def _listen(self) -> None:
        """Follows the ends of the cluster's containers."""
        filters: dict[str, Any] = {"type": "container", "event": "die", "label": f"{CLUSTER_LABEL}={self.cluster}"}
        while not self._stopped.is_set():
            try:
                client = docker.from_env(timeout=_EVENT_SECONDS)
                for event in client.events(decode=True, filters=filters):
                    if self._stopped.is_set():
                        return
                    self._ended(event["Actor"]["Attributes"])
            except (DockerException, RequestException) as error:
                logger.debug("docker's events: %s", error)
                self._stopped.wait(1)
