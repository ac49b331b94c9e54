"""The base of a pod's runner: its state, its events, and the probes of its containers."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from localcloud.kubernetes import images, pod_containers, probes
from localcloud.kubernetes.api import Api, Json
from localcloud.kubernetes.config import Config
from localcloud.kubernetes.control_plane import Place
from localcloud.kubernetes.events import WARNING, Events, now
from localcloud.kubernetes.pod_containers import Containers, Sandbox
from localcloud.kubernetes.status import Container

SYMBOLS: tuple[str, ...] = (*images.SYMBOLS, *pod_containers.SYMBOLS)

_DEFAULT_GRACE = 30


class Node(Protocol):
    """The services of a node for its pods."""

    api: Api
    events: Events
    puller: images.Puller
    place: Place
    address: str

    def config(self, pod: Json) -> Config:
        """Returns what the pod reads from the API."""

    def withdraw(self, address: str) -> None:
        """Waits until no Service and no Ingress routes to an address, for a moment at most."""

    def forget(self, uid: str) -> None:
        """Called when the pod is gone."""


class Base(threading.Thread):
    """The state of the runner of one pod."""

    def __init__(self, node: Node, pod: Json) -> None:
        super().__init__(daemon=True, name=f"localcloud-pod-{pod['metadata']['name']}")
        self.uid: str = pod["metadata"]["uid"]
        self.pod = pod
        self._node, self._containers = node, Containers(node.place, pod)
        self.containers = [Container(spec, is_init=True) for spec in pod["spec"].get("initContainers") or ()]
        self.containers += [Container(spec) for spec in pod["spec"]["containers"]]
        self._sandbox: Sandbox | None = None
        self._probers: dict[str, list[probes.Prober]] = {}
        self._wake, self._abandoned, self._is_gone = threading.Event(), False, False
        self._is_filled = False
        self._written: Json = {}
        self._since = (pod.get("status") or {}).get("startTime") or now()
        self._lock = threading.RLock()

    def _event(self, kind: str, reason: str, message: str, container: str = "") -> None:
        self._node.events.write(
            {**self.pod, "kind": "Pod", "apiVersion": "v1"}, kind, reason, message, container=container
        )

    def _phase(self) -> str:
        return str(self._written.get("phase") or (self.pod.get("status") or {}).get("phase", "Pending"))

    def _grace(self) -> int:
        given = self.pod["spec"].get("terminationGracePeriodSeconds")
        return _DEFAULT_GRACE if given is None else int(given)

    # --- probes ------------------------------------------------------------------------------------------------------

    def _running(self, container: Container, found: Any) -> None:
        """Takes note that a container runs, and starts its probes."""
        container.state = {"running": {"startedAt": found.attrs["State"]["StartedAt"].partition(".")[0] + "Z"}}
        container.kill_reason = ""
        startup = None if container.is_init else probes.of(container.spec, "Startup")
        container.started = startup is None
        container.ready = not container.is_init and startup is None and not probes.of(container.spec, "Readiness")
        if startup is not None:
            self._probe(container, startup)
        elif not container.is_init:
            self._probe_further(container)

    def _probe_further(self, container: Container) -> None:
        for kind in ("Readiness", "Liveness"):
            probe = probes.of(container.spec, kind)
            if probe is not None:
                self._probe(container, probe)

    def _probe(self, container: Container, probe: probes.Probe) -> None:
        docker_id, address = container.docker_id, self._sandbox.address if self._sandbox else ""

        def check(checked: probes.Probe) -> str:
            return probes.run(checked, container.spec, docker_id, address)

        def report(reported: probes.Probe, result: bool | None, failure: str) -> None:
            if container.docker_id == docker_id and container.is_running:
                self._probed(container, reported, result, failure)

        prober = probes.Prober(probe, check, report)
        self._probers.setdefault(container.name, []).append(prober)
        prober.start()

    def _probed(self, container: Container, probe: probes.Probe, result: bool | None, failure: str) -> None:
        if failure:
            self._event(WARNING, "Unhealthy", f"{probe.kind} probe failed: {failure}", container.name)
        if result is None:
            return
        if probe.kind == "Readiness":
            if container.ready == result:
                return
            container.ready = result
        elif probe.kind == "Startup" and result:
            container.started = True
            container.ready = not probes.of(container.spec, "Readiness")
            self._probe_further(container)
        elif not result:
            container.kill_reason = probe.kind.lower()
        self._wake.set()

    def _stop_probers(self, name: str | None = None) -> None:
        for key in [name] if name is not None else list(self._probers):
            for prober in self._probers.pop(key, []):
                prober.stop()
