"""Rules about hosts and what runs on them: error messages, as in checks.py."""

from __future__ import annotations

import re
from collections.abc import Iterator

from products import host_files
from products.environment import Environment
from products.errors import ProblemsError, nearest
from products.hosts import ENVIRONMENT, Compose, Hosts
from products.model import Product
from products.values import Value

# A family of Graviton has a g after its generation, as m7g and c7gn: docs.aws.amazon.com/ec2, instance naming.
_GRAVITON = re.compile(r"^[a-z]+\d+g[a-z0-9-]*\.")
_GRAVITON_1 = "a1."
_PORTS = 65535
_EXAMPLE = "compose: {files: [docker-compose.yml], proxy: {service: proxy, port: 80}}"


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every mistake in what runs on hosts."""
    on_hosts = product.on_hosts()
    yield from _targets(product, on_hosts)
    if product.compose:
        yield from _compose(product.compose)
    yield from _containers(product)
    yield from _migration(product, on_hosts)
    for name in on_hosts:
        yield from _environment(product, f"environments.{name}", product.environments[name])
    for name, environment in product.environments.items():
        if environment.hosts and name not in on_hosts:
            yield f"environments.{name}.hosts: it has no hosts; write target: hosts, or remove this section"


def _targets(product: Product, on_hosts: list[str]) -> Iterator[str]:
    """Yields an error message for each part that no environment runs, and each environment that has nothing to run."""
    on_fargate = product.on_fargate()
    parts = {"compose": product.compose is not None, "containers": bool(product.containers)}
    given = [key for key, there in parts.items() if there]
    if len(given) > 1:
        yield "containers: the manifest also has compose, and hosts run one of the two; remove one"
    for key in given:
        if not on_hosts:
            yield (
                f"{key}: no environment runs it; write target: hosts in an environment, or services instead, which "
                "Fargate runs"
            )
    if on_fargate and not product.services:
        yield (
            f"services: missing; {on_fargate[0]} has target fargate, which runs them: write a service, e.g. services: "
            "{web: {image: backend, port: 8000, paths: [/*]}}, or target: hosts with compose or containers"
        )
    if product.services and not on_fargate:
        runs = "which runs compose or containers" if on_hosts else "which runs the manifests in its section kubernetes"
        target = "hosts" if on_hosts else "kubernetes"
        yield f"services: every environment has target {target}, {runs}; remove services"
    if on_hosts and not given:
        yield (
            f"environments.{on_hosts[0]}.target: got hosts, and the product has nothing that runs there; write "
            f"{_EXAMPLE}, or containers"
        )
    if on_hosts and product.sites():
        yield (
            f"frontend: {on_hosts[0]} has target hosts, where the proxy answers every path; remove frontend, and let a "
            "service of the hosts serve the pages"
        )
    for name in product.schedules if on_hosts else ():
        yield (
            f"schedules.{name}: {on_hosts[0]} has target hosts, where nothing starts schedules; remove it, and run a "
            "scheduler such as celery beat as a service there"
        )


def _compose(compose: Compose) -> Iterator[str]:
    places = {
        **{f"compose.files.{index}": file for index, file in enumerate(compose.files)},
        **{f"compose.include.{index}": file for index, file in enumerate(compose.include)},
        **{f"compose.env_files.{name}": name for name in compose.env_files},
    }
    for place, file in places.items():
        if refusal := file_refusal(file):
            yield f"{place}: {refusal}"
    for file in sorted({file for file in compose.files if compose.files.count(file) > 1}):
        yield f"compose.files: '{file}' is listed twice; remove one of them"
    if host_files.ROOT_FILE in compose.env_files:
        yield "compose.env_files..env: write these variables under compose.env, which is that file"


def file_refusal(name: str) -> str | None:
    """Returns why a name cannot be that of a file in the repository, and what to write instead; None if it can."""
    if name.startswith("/"):
        return f"got '{name}', an absolute path; write it relative to the repository's folder"
    if ".." in name.split("/"):
        return f"got '{name}', which leaves the repository; write a path inside it"
    rest = name.replace(ENVIRONMENT, "")
    if any(character in rest for character in "${}"):
        return f"got '{name}'; only {ENVIRONMENT} may be used in the name of a file"
    return None


def _containers(product: Product) -> Iterator[str]:
    known = [*product.images]
    for name, container in product.containers.items():
        place = f"containers.{name}"
        if container.image not in product.images:
            yield f"{place}.image: no image '{container.image}' under images{nearest(container.image, known)}"
        for index, volume in enumerate(container.volumes):
            if not re.match(r"[a-zA-Z0-9]", volume):
                yield (
                    f"{place}.volumes.{index}: got '{volume}', a path of the host; write a name instead of the path, "
                    "e.g. media:/app/media"
                )
        if container.pgpass and product.database is None:
            yield f"{place}.pgpass: the product has no database; write database: {{}} or remove pgpass"
    yield from _names(product)
    yield from _ports(product)
    yield from _proxy(product)


def _names(product: Product) -> Iterator[str]:
    taken: dict[str, str] = {}
    for key, container in product.containers.items():
        if container.name and container.name in taken:
            other = taken[container.name]
            yield f"containers.{key}.name: '{container.name}' is also the name of '{other}'; choose another"
        if container.name:
            taken.setdefault(container.name, key)


def _ports(product: Product) -> Iterator[str]:
    taken: dict[int, str] = {}
    for name, container in product.containers.items():
        for index, port in enumerate(container.ports):
            place = f"containers.{name}.ports.{index}"
            if not all(0 < int(number) <= _PORTS for number in port.split(":")):
                yield f"{place}: got '{port}'; a port is a number from 1 to {_PORTS}"
            published = container.published()[index]
            if published in taken:
                other = "the same container" if taken[published] == name else f"'{taken[published]}'"
                yield f"{place}: port {published} of the host is already taken by {other}; choose another"
            taken.setdefault(published, name)


def _proxy(product: Product) -> Iterator[str]:
    if not product.containers:
        return
    found = host_files.proxies(product)
    for name in found:
        if not product.containers[name].ports:
            yield f"containers.{name}.ports: missing; the proxy needs the load balancer's port, e.g. ['80:8000']"
    if not found:
        first = next(iter(product.containers))
        yield f"containers.{first}.ports: missing; one container must answer the load balancer: ['80:8000']"
    if len(found) > 1:
        yield (
            f"containers.{found[0]}.proxy: {', '.join(found)} could answer the load balancer; write proxy: true "
            "for one of them"
        )


def _migration(product: Product, on_hosts: list[str]) -> Iterator[str]:
    migration = product.migration
    if migration is None:
        return
    if not on_hosts:
        if migration.service:
            yield "migration.service: no environment has target hosts; remove service, the migration is a task"
        return
    service = host_files.migration_service(product)
    if product.containers and service not in product.containers:
        got = f"got '{service}', which is no container" if service else f"no container has the image {migration.image}"
        yield f"migration.service: {got}{nearest(service or '', [*product.containers])}"
    if migration.variables and len(on_hosts) == len(product.environments):
        yield (
            "migration.variables: on hosts the migration has the variables of its service; write them there, and "
            "remove this section"
        )


def _environment(product: Product, place: str, environment: Environment) -> Iterator[str]:
    yield from _machines(place, environment)
    if environment.network.nat == "none":
        yield (
            f"{place}.network.nat: got none, and hosts install Docker and pull public images from the internet; write "
            "nat: instance (cheapest) or nat: gateway"
        )
    if environment.database and environment.database.rotate_password_days is not None:
        yield (
            f"{place}.database.rotate_password_days: a rotation restarts services on Fargate only; remove it, and "
            "renew the password as docs/runbook.md says"
        )
    name = place.rpartition(".")[2]
    if product.compose and (asked := _asks_for(product, name, "release.image")):
        yield (
            f"variables: {asked} contains ${{release.image}}, and a host runs several images; write which, e.g. "
            f"${{images.{next(iter(product.images))}}}, under compose"
        )
    if environment.edge.domain is None and (asked := _asks_for(product, name, "site.")):
        yield (
            f"{place}.edge.domain: missing; {asked} contains the site's name, and hosts are defined before CloudFront "
            "makes one up: write edge: {domain: {…}}, or the name itself"
        )


def _machines(place: str, environment: Environment) -> Iterator[str]:
    hosts = environment.hosts or Hosts()
    if refusal := instance_refusal(hosts.instance, environment):
        yield f"{place}.hosts.instance: {refusal}"
    if hosts.data_disk_gb and hosts.count > 1:
        yield (
            f"{place}.hosts.data_disk_gb: {hosts.count} hosts would have as many disks, each with other data; write "
            "count: 1, or keep the data in database, cache and media, and remove data_disk_gb"
        )


def instance_refusal(instance: str, environment: Environment) -> str | None:
    """Returns why an instance type cannot run an environment's images, and what to write instead; None if it can."""
    graviton = bool(_GRAVITON.match(instance)) or instance.startswith(_GRAVITON_1)
    if graviton == (environment.architecture == "arm64"):
        return None
    has, example = ("arm64", "t3.small") if graviton else ("x86_64", "t4g.small")
    return (
        f"got {instance}, which is {has}, and images are built for {environment.architecture}; write e.g. {example}, "
        f"or architecture: {has}"
    )


def _asks_for(product: Product, environment: str, prefix: str) -> str | None:
    """Returns the first variable with a reference that begins so; None if there is none."""
    try:
        files = host_files.files(product, environment)
    except ProblemsError:
        return None  # each wrong reference has its own message
    for file, variables in files.items():
        for name, value in variables.items():
            if isinstance(value, Value) and any(reference.name.startswith(prefix) for reference in value.references):
                return f"{name} of {file}"
    return None
