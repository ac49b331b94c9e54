"""A cluster's control plane: k3s without its agent in a container, its state on a volume, its administrator's access.

It is reachable on the local cloud's network only. `rancher/k3s` is pulled, or is the stand-in of a machine that
reaches no registry; only arguments that both take are used.
"""

from __future__ import annotations

import base64
import io
import logging
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import yaml
from docker.errors import APIError, NotFound

from localcloud import containers, network, settings
from localcloud.kubernetes.api import Access, Api, ApiError

SYMBOLS: tuple[str, ...] = ()

IMAGE = "rancher/k3s:v1.34.1-k3s1"
PORT = 6443
API_HOST = "kubernetes.default.svc"
"""The name of the API server in the cluster's network, which its certificate contains."""
CLUSTER_LABEL = f"{settings.LABEL}.cluster"
"""The label of everything that belongs to a cluster; its value is the ID of the cluster."""
ROLE_LABEL = f"{settings.LABEL}.cluster-role"
_KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
_DATA = "/var/lib/rancher/k3s"
_AUTHORITY = f"{_DATA}/server/tls/server-ca"
_ARGUMENTS = (
    "server",
    "--disable-agent",
    f"--write-kubeconfig={_KUBECONFIG}",
    "--disable=traefik",
    "--disable=servicelb",
    "--disable=metrics-server",
    "--disable=local-storage",
    "--disable=coredns",
    "--flannel-backend=none",
    "--disable-network-policy",
    "--disable-cloud-controller",
    "--disable-helm-controller",
    "--disable-kube-proxy",
)
_READY_SECONDS = 180.0

logger = logging.getLogger("localcloud")


class ControlPlaneError(RuntimeError):
    """A control plane did not start; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where a control plane runs.

    A cluster has a Docker network of its own: Kubernetes refuses pods and Services with link-local addresses, such as
    those of the local cloud's network. Control plane and pods are on both.
    """

    cluster: str
    """The ID of the cluster: letters, digits and hyphens."""
    address: str
    """Its address on the local cloud's network."""
    names: tuple[str, ...] = ()
    """More addresses at which clients reach it, for its certificate."""
    volume: str = ""
    """The Docker volume of its state; by default one that ends with the cluster."""
    volume_labels: tuple[tuple[str, str], ...] = ()

    @property
    def container_name(self) -> str:
        """The name of its container."""
        return f"{settings.current().network}-kubernetes-{self.cluster}"

    @property
    def network(self) -> str:
        """The Docker network of the cluster; Docker routes by the network whose name comes first."""
        return f"k8s-{settings.current().network}-{self.cluster}"

    @property
    def volume_name(self) -> str:
        """The name of the Docker volume of its state."""
        return self.volume or f"{self.container_name}-state"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything that belongs to the cluster."""
        return {**network.labels(settings.current()), CLUSTER_LABEL: self.cluster}

    @property
    def folder(self) -> Path:
        """The folder of the administrator's keys, on this machine."""
        return settings.current().run / "kubernetes" / self.cluster


def start(place: Place) -> Api:
    """Starts the control plane, or the stopped one again, and returns the administrator's client of it.

    Raises:
        ControlPlaneError: if it does not answer within three minutes.
    """
    client = docker.from_env(timeout=180)
    try:
        container = client.containers.get(place.container_name)
    except NotFound:
        container = _created(client, place)
    container.start()
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        container.reload()
        if container.status == "exited":
            tail = container.logs(tail=5).decode(errors="replace")
            raise ControlPlaneError(f"the control plane of {place.cluster} ended: {tail}")
        try:
            api = Api(_access(container, place))
            api.get("/readyz")
            api.get("/api/v1/namespaces/default")
        except (ApiError, NotFound, OSError) as error:
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"the control plane of {place.cluster} does not answer: {error}") from error
            time.sleep(0.2)
            continue
        return api


def _created(client: docker.DockerClient, place: Place) -> Any:
    try:
        containers.require(client, IMAGE)
    except (APIError, NotFound) as error:
        raise ControlPlaneError(f"Kubernetes needs the image {IMAGE}: {error}") from error
    labels = {**place.labels, **dict(place.volume_labels)}
    client.volumes.create(place.volume_name, labels=labels)
    if not client.networks.list(names=[place.network]):
        client.networks.create(place.network, driver="bridge", labels=place.labels)
    container = client.containers.create(
        IMAGE,
        [*_ARGUMENTS, *(f"--tls-san={name}" for name in (place.address, *place.names))],
        name=place.container_name,
        labels={**place.labels, ROLE_LABEL: "control-plane", containers.ADDRESS_LABEL: place.address},
        volumes={place.volume_name: {"bind": _DATA, "mode": "rw"}},
        network=place.network,
        networking_config={place.network: client.api.create_endpoint_config(aliases=[API_HOST])},
    )
    client.networks.get(settings.current().network).connect(container, ipv4_address=place.address)
    return container


def own_address(place: Place) -> str:
    """Returns the address of the control plane, and of the node, on the network of the cluster."""
    container = docker.from_env(timeout=60).containers.get(place.container_name)
    return str(container.attrs["NetworkSettings"]["Networks"][place.network]["IPAddress"])


def _file(container: Any, path: str) -> bytes:
    chunks, _stat = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        return member.read() if member is not None else b""


def authority(place: Place) -> tuple[bytes, bytes]:
    """Returns the certificate and the key of the CA that signs the certificates of servers."""
    container = docker.from_env(timeout=60).containers.get(place.container_name)
    return _file(container, f"{_AUTHORITY}.crt"), _file(container, f"{_AUTHORITY}.key")


def kubeconfig(place: Place, server: str) -> str:
    """Returns the administrator's kubeconfig, with the address of the API server."""
    container = docker.from_env(timeout=60).containers.get(place.container_name)
    config = yaml.safe_load(_file(container, _KUBECONFIG))
    config["clusters"][0]["cluster"]["server"] = server
    return str(yaml.safe_dump(config))


def _access(container: Any, place: Place) -> Access:
    config = yaml.safe_load(_file(container, _KUBECONFIG))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = {
        "ca.crt": cluster["certificate-authority-data"],
        "admin.crt": user["client-certificate-data"],
        "admin.key": user["client-key-data"],
    }
    for name, encoded in written.items():
        file = place.folder / name
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(encoded))
    folder = place.folder
    return Access(place.address, PORT, folder / "ca.crt", folder / "admin.crt", folder / "admin.key")


def stop(place: Place) -> None:
    """Stops the control plane; its state remains."""
    try:
        docker.from_env(timeout=60).containers.get(place.container_name).stop(timeout=10)
    except NotFound:
        return


def remove(place: Place) -> None:
    """Removes the control plane, and its state unless that lies on a volume of EC2."""
    client = docker.from_env(timeout=60)
    try:
        client.containers.get(place.container_name).remove(force=True, v=True)
    except (NotFound, APIError) as error:
        if getattr(error, "status_code", 404) not in (404, 409):
            raise
    for found in client.networks.list(names=[place.network]):
        try:
            found.remove()
        except (NotFound, APIError) as error:
            logger.warning("the network of %s: %s", place.cluster, error)
    if not place.volume_labels:
        try:
            client.volumes.get(place.volume_name).remove(force=True)
        except (NotFound, APIError) as error:
            logger.debug("the state of %s: %s", place.cluster, error)
