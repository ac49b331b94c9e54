"""What every container we start has in common, as changes to docker-py rather than to MiniStack.

* image names of ECR lead to the local registry, which the daemon reaches on loopback;
* ports are published on loopback only;
* everything carries our labels, so `down` can remove it;
* databases and caches get a fixed address, and keep their data over a restart;
* two clouds on one machine name theirs differently;
* a missing image is named in the error, with what to do.
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
_given: set[str] = set()


def require(client: Any, image: str) -> None:
    """Have the image here, or raise an error that names it and says what to do."""
    try:
        client.images.get(image)
    except ImageNotFound:
        client.images.pull(image)


class MissingImageError(ImageNotFound):
    """An image is neither on this machine nor obtainable. Made without the response, whose text would hide ours."""


def local_name(image: Any) -> Any:
    """An ECR image name as the daemon can reach it."""
    port = settings.current().port
    return _ECR.sub(f"localhost:{port}/", image) if isinstance(image, str) else image


def own_name(name: Any) -> Any:
    """A container's name in this cloud: MiniStack names a database after its account, so two clouds would want one."""
    chosen = settings.current()
    ours = isinstance(name, str) and name.startswith("ministack-") and chosen.subnet != settings.SUBNET
    return f"{name}-{chosen.network}" if ours else name


def install() -> None:
    """Apply the changes to docker-py in this process."""
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

    ContainerCollection.get = (  # type: ignore[method-assign]  # docker-py has no other seam
        lambda self, container_id: find(self, own_name(container_id))
    )
    ContainerCollection.create = creating  # type: ignore[method-assign]  # docker-py has no other seam
    ImageCollection.pull = pulling  # type: ignore[method-assign]  # docker-py has no other seam
    ImageCollection.get = lambda self, name: get(self, local_name(name))  # type: ignore[method-assign]  # docker-py has no other seam
    ImageCollection.get_registry_data = (  # type: ignore[method-assign]  # docker-py has no other seam
        lambda self, name, *args, **kwargs: registry_data(self, local_name(name), *args, **kwargs)
    )
    Image.tag = (  # type: ignore[method-assign]  # docker-py has no other seam
        lambda self, repository, *args, **kwargs: tag(self, local_name(repository), *args, **kwargs)
    )


def _variables(images: ImageCollection, name: str) -> list[str]:
    """Returns an image's variables as `NAME=value`; none if the image is missing (create reports that)."""
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
            else f"no registry answers for it; on a machine with a network type: docker pull {name}"
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
        # MiniStack counts ports up, and another cloud may take one between its look and the start. Docker does not.
        chosen_by_docker = own.get("ministack") in STORES
        kwargs["ports"] = {
            inner: ("127.0.0.1", None) if chosen_by_docker else _on_loopback(outer)
            for inner, outer in kwargs["ports"].items()
        }
    if own.get("ministack") == "rds":
        kwargs.pop("tmpfs", None)  # the image's own volume survives a restart; a tmpfs is emptied by it
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
    """Give the container to be made an address of its own; answers it."""
    address = free_address(containers)
    arguments["labels"] = {**(arguments.get("labels") or {}), ADDRESS_LABEL: address}
    config = containers.client.api.create_endpoint_config(ipv4_address=address)
    arguments["networking_config"] = {settings.current().network: config}
    return address


def free_address(containers: ContainerCollection) -> str:
    """The next unused address below the dynamic range."""
    with _addresses_lock:
        listed = containers.list(all=True, ignore_removed=True, filters={"label": [ADDRESS_LABEL]})
        used = {container.labels[ADDRESS_LABEL] for container in listed}
        pool = [f"{settings.current().subnet}.{number}" for number in network.FIXED]
        free = [candidate for candidate in pool if candidate not in used]
        address = next((candidate for candidate in free if candidate not in _given), free[0])
        _given.add(address)
        return address
