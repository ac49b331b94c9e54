"""The compose files or containers that hosts run, and the virtual machines of an environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from products.base import Model, Name, Variables, text
from products.containers import Paths
from products.health import PATH_PATTERN

# The names of a repository's files, in which `${environment}` stands for the environment's name.
FILE = r"^[A-Za-z0-9._/${}-]{1,255}$"
ENVIRONMENT = "${environment}"
_FileName = Annotated[str, text(FILE, "compose.${environment}.yml")]
# The Compose specification's names of services and profiles: compose-spec, schema, `services`.
_ServiceName = Annotated[str, text(r"^[a-zA-Z0-9._-]{1,64}$", "proxy")]
Port = Annotated[int, Field(ge=1, le=65535)]


class Proxy(Model):
    """The service that answers the requests of the load balancer."""

    service: _ServiceName
    """Its name in the compose files."""
    port: Port
    """The port of the host at which the compose files publish it."""
    health_path: str | None = text(PATH_PATTERN, "/nginx-health", default=None)
    """A host is healthy if this path returns 200. By default any answer of `/` below 500 is healthy."""
    static_paths: Paths = ()
    """Path patterns that CloudFront may cache. Every other path is not cached."""


class Compose(Model):
    """The product's own compose files, which hosts run unchanged.

    Files of the repository that they mount are part of each release. Docker Compose replaces variables in them by the
    values of `.env`, which has the product's and the environment's `variables` and `secrets`, and what `env` adds.
    """

    files: Annotated[tuple[_FileName, ...], Field(min_length=1, max_length=10)]
    """Compose files in the repository, later ones over earlier ones; `${environment}` is the environment's name."""
    include: tuple[_FileName, ...] = ()
    """More files and folders of the repository that belong on the host. Those that compose files mount are found."""
    profiles: tuple[_ServiceName, ...] = ()
    """Profiles of the compose files to run."""
    proxy: Proxy
    env: Variables = {}
    """Variables of `.env`, for the compose files. By default it has `BACKEND_IMAGE` for the image `backend`, and the
    like for each image, `CONTAINER_REGISTRY` and `REPOSITORY_OWNER`. Values may contain [references](#references)."""
    env_files: dict[_FileName, Variables] = {}
    """More files with variables, by name, as `env_file` in the compose files names them. No other file of a host holds
    them, and only root may read them."""


class HostContainer(Model):
    """A container on each host."""

    image: Name
    name: str | None = text(r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$", "dev-app", default=None)
    """The container's name on the host. Default: environment, product and key, e.g. `staging-shop-app`."""
    ports: tuple[Annotated[str, text(r"^\d{1,5}:\d{1,5}$", '"8080:8000"')], ...] = ()
    """Ports of the host, each with the container's: `8080:8000`."""
    command: tuple[str, ...] | None = None
    """Command in exec form; the image's own command by default."""
    variables: Variables = {}
    """Environment variables of this container; they replace the environment's and the product's of the same name."""
    volumes: tuple[Annotated[str, text(r"^[^:\s]+:/[^:\s]*(:ro)?$", "media:/app/media")], ...] = ()
    """Named volumes, each with its path in the container. They are kept, on the data disk if there is one."""
    pgpass: bool = False
    """True for a password file of PostgreSQL's clients, in memory, with the database's login; `PGPASSFILE` names it."""
    proxy: bool = False
    """True if this container answers the load balancer's requests at its first port. Default: the only one with ports
    does."""
    health_path: str | None = text(PATH_PATTERN, "/api/v1/health/", default=None)
    """As `compose.proxy.health_path`, for the container that answers the load balancer."""

    def published(self) -> list[int]:
        """Returns the ports of the host that the container publishes."""
        return [int(port.partition(":")[0]) for port in self.ports]


class Hosts(Model):
    """The virtual machines that run the containers of an environment with `target: hosts`."""

    count: int = Field(default=1, ge=1, le=20)
    """Number of hosts. Each has a fixed zone; a host that ends is replaced there."""
    instance: str = text(r"^[a-z][a-z0-9-]*\.[a-z0-9]+$", "t4g.small", default="t4g.small")
    """EC2 instance type, of the environment's `architecture`."""
    disk_gb: int = Field(default=30, ge=10, le=16384)
    """Size of the disk with the system and the images, in GB. It goes with the host."""
    data_disk_gb: int | None = Field(default=None, ge=1, le=16384)
    """Size of the disk that outlives the host, with Docker's volumes and the product's folder, in GB; by default there
    is none. With `keep_data` it is backed up daily, and `cdk destroy` keeps it."""
