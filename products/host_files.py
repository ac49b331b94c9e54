"""The files with variables that hosts get, and what follows from the manifest about the containers on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from products import names
from products.base import ExistingSecret
from products.hosts import ENVIRONMENT
from products.model import Product
from products.paths import EVERYTHING, is_everything, ordered
from products.values import REFERENCES, Value, member, parse
from products.variables import container_variables, layered, layers, written

INGRESS_PORT = 80
"""The port of a MicroK8s host at which its ingress answers: microk8s.io/docs/addon-ingress."""
ROOT_FILE = ".env"
"""The file whose variables Docker Compose puts into compose files."""

Variables = Mapping[str, Value | ExistingSecret]


@dataclass(frozen=True)
class Entrance:
    """The service and the port at which a host answers the load balancer."""

    service: str
    port: int
    """A port of the host."""
    health_path: str | None
    """None if any answer is healthy."""
    static_paths: tuple[str, ...] = ()

    def routes(self) -> list[tuple[str, bool]]:
        """Returns the path patterns that lead to hosts, each with True if it may be cached, in CloudFront's order."""
        cached = [path for path in ordered(self.static_paths) if not is_everything(path)]
        return [*((path, True) for path in cached), (EVERYTHING, False)]


def named(file: str, environment: str) -> str:
    """Returns the name of a file of the repository in an environment."""
    return file.replace(ENVIRONMENT, environment)


def image_variable(image: str) -> str:
    """Returns the variable that holds an image by digest, e.g. BACKEND_IMAGE."""
    return f"{image.upper().replace('-', '_')}_IMAGE"


def container_file(container: str) -> str:
    """Returns the name of the file with a container's variables."""
    return f".env.{container}"


def files(product: Product, environment: str) -> dict[str, Variables]:
    """Returns the variables of each file that the hosts of an environment get, by the file's name."""
    images = {image_variable(image): parse(f"${{images.{image}}}") for image in product.images}
    if product.compose is None:
        return {
            ROOT_FILE: images,
            **{
                container_file(name): {
                    **_knowing(container.image, container_variables(product, environment, container.variables)),
                    **product.secrets,
                }
                for name, container in product.containers.items()
            },
        }
    defaults = {
        **images,
        "CONTAINER_REGISTRY": parse("${registry}"),
        "REPOSITORY_OWNER": parse(product.repository.owner.lower()),
    }
    texts = layered(product, environment, product.compose.env)
    root: Variables = {**defaults, **{name: parse(text) for name, text in texts.items()}, **product.secrets}
    return {
        ROOT_FILE: root,
        **{
            named(name, environment): {variable: parse(written(value)) for variable, value in variables.items()}
            for name, variables in product.compose.env_files.items()
        },
    }


def _knowing(image: str, variables: Mapping[str, Value]) -> dict[str, Value]:
    """Returns a container's variables, in which its own image is the one that it runs."""
    (own,) = parse(f"${{images.{image}}}").parts
    return {
        name: Value(tuple(own if part == REFERENCES["release.image"] else part for part in value.parts))
        for name, value in variables.items()
    }


def generated(product: Product) -> list[str]:
    """Returns the names of the secrets that are generated for each environment on hosts."""
    found = {}
    for variables in layers(product).values():
        for text in variables.values():
            for reference in parse(written(text)).references:
                family = member(reference)
                if family and family[0] == "generated":
                    found[family[1]] = True
    return sorted(found)


def entrance(product: Product) -> Entrance:
    """Returns where the hosts of a product answer the load balancer.

    Raises:
        ValueError: if the product has nothing that runs on hosts.
    """
    if product.compose:
        proxy = product.compose.proxy
        return Entrance(proxy.service, proxy.port, proxy.health_path, proxy.static_paths)
    for name in proxies(product):
        container = product.containers[name]
        return Entrance(name, container.published()[0], container.health_path)
    raise ValueError("the product has neither compose nor containers that publish a port")


def ports(product: Product, environment: str) -> list[int]:
    """Returns the ports at which the load balancer reaches an environment's hosts or tasks."""
    if environment in product.on_hosts():
        return [entrance(product).port]
    if environment in product.on_kubernetes():
        return [INGRESS_PORT] if product.environments[environment].machines else []
    return [service.port for service in product.services.values() if service.port]


def proxies(product: Product) -> list[str]:
    """Returns the containers that could answer the load balancer: exactly one, unless the manifest is wrong."""
    chosen = [name for name, container in product.containers.items() if container.proxy]
    return chosen or [name for name, container in product.containers.items() if container.ports]


def migration_service(product: Product) -> str | None:
    """Returns the service or the container that runs the migrations on hosts; None without migrations."""
    migration = product.migration
    if migration is None:
        return None
    if migration.service or product.compose:
        return migration.service or migration.image
    return next((name for name, part in product.containers.items() if part.image == migration.image), None)


def container_name(product: Product, environment: str, name: str) -> str:
    """Returns the name that a container has on its host."""
    return product.containers[name].name or f"{names.prefix(environment, product.name)}-{name}"
