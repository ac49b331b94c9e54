"""Common settings of all containers that the local cloud starts, applied by patching docker-py.

* Image names of ECR are mapped to the local registry, which the daemon reaches on loopback.
* Ports are published on loopback only.
* Every container has our labels, so that `down` can remove it.
* Databases and caches get a fixed address, and keep their data after a restart.
* Two clouds on one machine use different container names.
* The error for a missing image names the image and the remedy.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from docker.errors import APIError, ImageNotFound
from docker.models.containers import Container, ContainerCollection
from docker.models.images import Image, ImageCollection

from localcloud import certificate_authorities, network, settings

SYMBOLS: tuple[str, ...] = ()  # public names of docker-py only

STORES = ("rds", "elasticache")
ADDRESS_LABEL = f"{settings.LABEL}.address"

_ECR = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")
_addresses_lock = threading.Lock()
_assigned: set[str] = set()


def require(client: Any, image: str) -> None:
    """Pulls the image if it is not on this machine; the error names the image and the remedy."""
    try:
        client.images.get(image)
    except ImageNotFound:
        client.images.pull(image)


class MissingImageError(ImageNotFound):
    """An image is neither on this machine nor in a registry. It has no response, whose text would replace ours."""


def local_name(image: Any) -> Any:
    """Returns the name under which the daemon can pull an ECR image; other names are returned unchanged."""
    port = settings.current().port
    return _ECR.sub(f"localhost:{port}/", image) if isinstance(image, str) else image


def own_name(name: Any) -> Any:
    """Returns a container's name in this cloud; MiniStack's names depend only on the account, and would collide."""
    chosen = settings.current()
    renamed = isinstance(name, str) and name.startswith("ministack-") and chosen.subnet != settings.SUBNET
    return f"{name}-{chosen.network}" if renamed else name


def install() -> None:
    """Patch docker-py in this process."""
    if not settings.current().docker:
        return
    create, pull = ContainerCollection.create, ImageCollection.pull
    find = ContainerCollection.get
    get, registry_data, tag = ImageCollection.get, ImageCollection.get_registry_data, Image.tag

    def creating(self: ContainerCollection, image: Any, command: Any = None, **kwargs: Any) -> Container:
        prepared = _prepare(self, kwargs)
        if certificate_authorities.bind() in (prepared.get("volumes") or ()):
            certificate_authorities.replace_authorities(prepared["environment"], _variables(self.client.images, image))
        return create(self, local_name(image), command, **prepared)

    def pulling(self: ImageCollection, repository: str, *args: Any, **kwargs: Any) -> Any:
        return _pull(pull, self, repository, *args, **kwargs)

    ContainerCollection.get = (  # type: ignore[method-assign]  # docker-py has no extension point
        lambda self, container_id: find(self, own_name(container_id))
    )
    ContainerCollection.create = creating  # type: ignore[method-assign]  # docker-py has no extension point
    ImageCollection.pull = pulling  # type: ignore[method-assign]  # docker-py has no extension point
    ImageCollection.get = lambda self, name: get(self, local_name(name))  # type: ignore[method-assign]  # docker-py has no extension point
    ImageCollection.get_registry_data = (  # type: ignore[method-assign]  # docker-py has no extension point
        lambda self, name, *args, **kwargs: registry_data(self, local_name(name), *args, **kwargs)
    )
    Image.tag = (  # type: ignore[method-assign]  # docker-py has no extension point
        lambda self, repository, *args, **kwargs: tag(self, local_name(repository), *args, **kwargs)
    )


def _variables(images: ImageCollection, name: str) -> list[str]:
    """Returns an image's variables as `NAME=value`; an empty list if the image is missing, which `create` reports."""
    try:
        return list(images.get(name).attrs["Config"].get("Env") or ())
    except ImageNotFound:
        return []


def _pull(pull: Callable[..., Any], images: ImageCollection, repository: str, *args: Any, **kwargs: Any) -> Any:
    try:
        return pull(images, local_name(repository), *args, **kwargs)
    except APIError as error:
        suffix = str(args[0] if args else kwargs.get("tag") or "")
        name = repository + ((("@" if suffix.startswith("sha256:") else ":") + suffix) if suffix else "")
        hint = (
            "it was not pushed to the local registry"
            if _ECR.match(repository)
            else f"no registry has it; on a machine with network access type: docker pull {name}"
        )
        raise MissingImageError(
            f"image {name} is not on this machine: {hint} ({error.explanation or error})"
        ) from error


def _prepare(containers: ContainerCollection, kwargs: dict[str, Any]) -> dict[str, Any]:
    chosen = settings.current()
    given = kwargs.get("labels") or {}
    own: dict[str, str] = {**(given if isinstance(given, dict) else dict.fromkeys(given, "")), **network.labels(chosen)}
    kwargs["labels"] = own
    kwargs["name"] = own_name(kwargs.get("name"))
    if kwargs.get("ports"):
        # Docker chooses the port, as another cloud could take MiniStack's before the container starts.
        chosen_by_docker = own.get("ministack") in STORES
        kwargs["ports"] = {
            inner: ("127.0.0.1", None) if chosen_by_docker else _on_loopback(outer)
            for inner, outer in kwargs["ports"].items()
        }
    if own.get("ministack") == "rds":
        kwargs.pop("tmpfs", None)  # the image's own volume survives a restart, a tmpfs does not
    if (
        own.get("ministack") in STORES
        and kwargs.get("network") == chosen.network
        and not kwargs.get("networking_config")
    ):
        fix_address(containers, kwargs)
    return kwargs


def _on_loopback(outer: Any) -> Any:
    if outer is None or isinstance(outer, int | str):
        return ("127.0.0.1", outer)
    return outer


def fix_address(containers: ContainerCollection, arguments: dict[str, Any]) -> str:
    """Assigns a fixed address to a container that is about to be created; returns the address."""
    address = free_address(containers)
    arguments["labels"] = {**(arguments.get("labels") or {}), ADDRESS_LABEL: address}
    config = containers.client.api.create_endpoint_config(ipv4_address=address)
    arguments["networking_config"] = {settings.current().network: config}
    return address


def free_address(containers: ContainerCollection) -> str:
    """Returns the next unused address below the dynamic range."""
    with _addresses_lock:
        listed = containers.list(all=True, ignore_removed=True, filters={"label": [ADDRESS_LABEL]})
        used = {container.labels[ADDRESS_LABEL] for container in listed}
        pool = [f"{settings.current().subnet}.{number}" for number in network.FIXED]
        free = [candidate for candidate in pool if candidate not in used]
        address = next((candidate for candidate in free if candidate not in _assigned), free[0])
        _assigned.add(address)
        return address
