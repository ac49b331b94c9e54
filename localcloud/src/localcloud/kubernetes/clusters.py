"""The clusters of the local cloud: a control plane, a node agent and routes each; started, stopped and removed."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound

from localcloud.kubernetes import control_plane, doors, kubelet, node
from localcloud.kubernetes.api import Api, ApiError
from localcloud.kubernetes.control_plane import CLUSTER_LABEL, ROLE_LABEL, ControlPlaneError, Place
from localcloud.kubernetes.images import Puller
from localcloud.kubernetes.node import Agent, Description, Identities
from localcloud.kubernetes.pod_containers import POD_LABEL
from localcloud.kubernetes.routing import Router

SYMBOLS: tuple[str, ...] = node.SYMBOLS

_STOP_SECONDS = 10
logger = logging.getLogger("localcloud")


@dataclass
class Cluster:
    """One cluster."""

    place: Place
    description: Description
    api: Api | None = None
    agent: Agent | None = None
    router: Router | None = None
    failure: str = ""
    """Why it did not start."""
    has_ingress: bool = False
    puller: Puller = field(default_factory=Puller)
    identities: Identities | None = None
    serve_api: Callable[[socket.socket], None] | None = None
    """Serves the API server to clients, who reach it at the relay of the node; None if they reach it directly."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def is_ready(self) -> bool:
        """True while its control plane and its node run."""
        return self.agent is not None

    def start(self) -> None:
        """Starts it, or what of it does not run.

        Raises:
            ControlPlaneError: if its control plane does not start.
            ApiError: if that does not accept the node.
        """
        with self.lock:
            if self.agent is not None:
                return
            self.failure = ""
            doors.open_once()
            try:
                self.api = control_plane.start(self.place)
                kubelet.open_for(self.place.cluster, lambda: self.agent)
                description = replace(self.description, address=control_plane.own_address(self.place))
                door = ""
                if self.serve_api is not None:
                    doors.APIS[self.place.cluster] = self.serve_api
                    door = kubelet.certificate(self.place, replace(description, address=self.place.address))
                self.router = Router(self.place, self.api, kubelet.certificate(self.place, description), door)
                self.router.start()
                if self.has_ingress:
                    self.router.serve_ingresses()
                agent = Agent(
                    self.place,
                    self.api,
                    description,
                    self.router,
                    self.puller,
                    self._lost,
                    self.identities,
                )
                agent.start()
            except (ControlPlaneError, ApiError, DockerException) as error:
                self.failure = str(error)
                raise
            self.agent = agent

    def _lost(self) -> None:
        """Starts the control plane again if its container has ended."""
        try:
            with self.lock:
                container = docker.from_env(timeout=60).containers.get(self.place.container_name)
                if container.status != "running" and self.router is not None:
                    logger.warning("the control plane of %s had ended; it starts again", self.place.cluster)
                    container.start()
                    self.router.start_node_relay()
        except DockerException as error:
            logger.warning("the control plane of %s: %s", self.place.cluster, error)

    def serve_ingresses(self) -> None:
        """Listens at the node's port 80."""
        with self.lock:
            self.has_ingress = True
            if self.router is not None:
                self.router.serve_ingresses()

    def kill_agent(self) -> None:
        """Ends the agent and the routes, as a kill would; the containers go on, and `start` finds them."""
        if self.agent is not None:
            self.agent.stop()
        if self.router is not None:
            self.router.stop()
        doors.KUBELETS.pop(self.place.cluster, None)
        doors.APIS.pop(self.place.cluster, None)
        self.agent = self.router = None

    def stop(self) -> None:
        """Stops it as the shutdown of its host does: pods get SIGTERM; `start` runs them again."""
        with self.lock:
            self.kill_agent()
            running = [c for c in self._containers() if c.status == "running"]
            pods = [c for c in running if POD_LABEL in c.labels]
            with ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(_stopped, pods))
            for container in running:
                if container.labels.get(ROLE_LABEL) == "relay":
                    _removed(container)
            control_plane.stop(self.place)

    def remove(self) -> None:
        """Removes it with everything that belongs to it."""
        with self.lock:
            self.kill_agent()
            found = [c for c in self._containers() if c.labels.get(ROLE_LABEL) != "control-plane"]
            with ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(_removed, found))
            control_plane.remove(self.place)
            label = {"label": [f"{CLUSTER_LABEL}={self.place.cluster}", POD_LABEL]}
            for volume in docker.from_env(timeout=60).volumes.list(filters=label):
                try:
                    volume.remove(force=True)
                except APIError as error:
                    logger.debug("volume %s: %s", volume.name, error)

    def _containers(self) -> list[Any]:
        client = docker.from_env(timeout=60)
        filters: dict[str, Any] = {"label": f"{CLUSTER_LABEL}={self.place.cluster}"}
        found: list[Any] = client.containers.list(all=True, ignore_removed=True, filters=filters)
        return found


def _stopped(container: Any) -> None:
    try:
        container.stop(timeout=_STOP_SECONDS)
    except (NotFound, APIError) as error:
        logger.debug("container %s: %s", container.name, error)


def _removed(container: Any) -> None:
    try:
        container.remove(force=True, v=True)
    except (NotFound, APIError) as error:
        logger.debug("container %s: %s", container.name, error)
