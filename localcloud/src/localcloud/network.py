"""The docker network of the local cloud and the relay container that leads from it to the server.

The server listens on loopback and on a unix socket only. Containers reach it at 169.254.170.2, the one address from
which botocore accepts task credentials.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from localcloud.settings import LABEL, Settings

FIXED = range(10, 120)  # addresses for databases and caches; docker gives the others from 128 on
_GONE, _CONFLICT = 404, 409  # answers of Docker
_PASSES, _REMOVAL_SECONDS = 5, 30
RELAY_IMAGES = ("python:3.13-slim", "public.ecr.aws/docker/library/python:3.13-slim")
RELAY_SCRIPT = Path(__file__).parent / "bin" / "relay.py"

#: What the data plane runs, and what is only recorded without it.
BASE_IMAGES = {
    "python:3.13-slim": "the relay between containers and the server",
    "postgres:18-alpine": "RDS for PostgreSQL 18",
    "redis:7-alpine": "ElastiCache for Redis 7",
    "public.ecr.aws/lambda/python:3.13": "Lambda functions in Python 3.13",
}


class NetworkTakenError(RuntimeError):
    """Another local cloud, or something else, holds the docker network."""


def connect() -> docker.DockerClient | None:
    """Returns a client if a Docker daemon answers, else None."""
    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except DockerException:
        return None
    return client


def missing_images(client: docker.DockerClient) -> list[str]:
    """Returns the base images that are missing and cannot be pulled."""
    missing = []
    for name in BASE_IMAGES:
        try:
            client.images.get(name)
        except ImageNotFound:
            try:
                client.images.pull(name)
            except (APIError, ImageNotFound):
                missing.append(name)
    return missing


def owned(client: docker.DockerClient, settings: Settings | None = None) -> list[Container]:
    """Returns the containers of local clouds, running or not; of one instance if settings are given."""
    labels = [f"{LABEL}=1"] + ([f"{LABEL}.port={settings.port}"] if settings else [])
    return client.containers.list(all=True, ignore_removed=True, filters={"label": labels})


def labels(settings: Settings) -> dict[str, str]:
    """Returns the labels of everything we create."""
    return {LABEL: "1", f"{LABEL}.port": str(settings.port)}


def holder(client: docker.DockerClient, settings: Settings) -> Settings | None:
    """Returns the local cloud whose relay uses the network, even if its server is not running."""
    try:
        relay = client.containers.get(settings.gateway)
    except NotFound:
        return None
    port, state = (relay.labels.get(f"{LABEL}.{name}", "") for name in ("port", "state"))
    return replace(settings, port=int(port), state=Path(state)) if port else None


def create(client: docker.DockerClient, settings: Settings) -> None:
    """Creates the network and the relay."""
    subnet = settings.subnet
    pool = IPAMPool(subnet=f"{subnet}.0/24", gateway=f"{subnet}.1", iprange=f"{subnet}.128/25")
    try:
        network = client.networks.create(
            settings.network, driver="bridge", ipam=IPAMConfig(pool_configs=[pool]), labels=labels(settings)
        )
    except APIError as error:
        raise NetworkTakenError(
            f"docker cannot create the network {settings.network} ({subnet}.0/24): {error.explanation}\n"
            "Something else uses these addresses; see: docker network ls; docker network inspect <name>"
        ) from error
    settings.socket.parent.mkdir(parents=True, exist_ok=True)
    relay: Any = client.containers.create(
        relay_image(client) or RELAY_IMAGES[0],
        ["python", "-c", RELAY_SCRIPT.read_text(encoding="utf-8"), str(settings.port)],
        name=settings.gateway,
        hostname=settings.gateway,
        labels={**labels(settings), f"{LABEL}.state": str(settings.state)},
        network=settings.network,
        networking_config={settings.network: client.api.create_endpoint_config(ipv4_address=settings.relay_address)},
        volumes={str(settings.socket.parent): {"bind": "/sock", "mode": "rw"}},
        init=True,
    )
    network.reload()
    relay.start()


def relay_image(client: docker.DockerClient) -> str | None:
    """Returns an image for the relay: one on this machine, or one that can be pulled."""
    for name in RELAY_IMAGES:
        try:
            client.images.get(name)
        except ImageNotFound:
            continue
        return name
    try:
        client.images.pull(RELAY_IMAGES[0])
    except (APIError, ImageNotFound):
        return None
    return RELAY_IMAGES[0]


def image_names(settings: Settings) -> Path:
    """Returns the file that lists the image names which builds created and which are not removed yet."""
    return settings.state / "builds" / "image-names.json"


def _remove_image_names(client: docker.DockerClient, settings: Settings) -> None:
    """Remove image names of builds whose server was killed: functions and tasks would run those images."""
    file = image_names(settings)
    if not file.exists():
        return
    for name in json.loads(file.read_text(encoding="utf-8")):
        with contextlib.suppress(APIError):  # gone already
            client.api.remove_image(name, force=True)
    file.unlink()


def remove(client: docker.DockerClient, settings: Settings) -> int:
    """Remove every container, volume and network of this instance; returns the number of containers."""
    removed = set[str]()
    # A node of Kubernetes may have begun a container when it was removed itself, which then has a volume.
    for left in reversed(range(_PASSES)):
        removed |= _remove_containers(client, settings)
        if _remove_volumes(client, settings, may_be_in_use=left > 0) and not owned(client, settings):
            break
    for network in client.networks.list(filters=_of(settings)):
        network.reload()
        for guest in network.containers:  # somebody's own container that joined; it keeps running
            network.disconnect(guest, force=True)
        network.remove()
    _remove_image_names(client, settings)
    return len(removed)


def _of(settings: Settings) -> dict[str, list[str]]:
    return {"label": [f"{name}={value}" for name, value in labels(settings).items()]}


def _remove_containers(client: docker.DockerClient, settings: Settings) -> set[str]:
    found = owned(client, settings)
    for container in found:
        try:
            container.remove(force=True, v=True)
        except (NotFound, APIError) as error:
            status = getattr(error, "status_code", _GONE)
            if status == _CONFLICT:  # the server, or a node, is removing it
                with contextlib.suppress(OSError):  # Docker's errors, and those of the connection, are OSErrors
                    container.wait(condition="removed", timeout=_REMOVAL_SECONDS)
            elif status != _GONE:
                raise
    return {str(container.id) for container in found}


def _remove_volumes(client: docker.DockerClient, settings: Settings, *, may_be_in_use: bool) -> bool:
    """Removes the volumes; returns False if a container uses one that was not there before."""
    for volume in client.volumes.list(filters=_of(settings)):
        try:
            volume.remove(force=True)
        except APIError as error:
            if error.status_code == _CONFLICT and may_be_in_use:
                return False
            raise
    return True
