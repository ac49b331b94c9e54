"""The environment variables of containers: Slipway's own set, and what a manifest adds to it or replaces."""

from __future__ import annotations

from collections.abc import Collection

from products.base import Public, Variables
from products.model import Product
from products.values import Value, parse

# Slipway's own set: the part of a product that provides the variable, its name and its value.
_DEFAULTS: tuple[tuple[str | None, str, str], ...] = (
    (None, "SECRET_KEY", "${secret_key}"),
    ("database", "DATABASE_URL", "${database.url}"),
    ("cache", "REDIS_URL", "${cache.url}"),
    ("cache", "REDIS_AUTH_TOKEN", "${cache.token}"),
    ("cache", "REDIS_HOST", "${cache.host}"),
    ("cache", "REDIS_PORT", "${cache.port}"),
    ("cache", "REDIS_TLS", "true"),
    ("media", "AWS_STORAGE_BUCKET_NAME", "${media.bucket}"),
    (None, "RELEASE_VERSION", "${release.version}"),
    (None, "RELEASE_IMAGE", "${release.image}"),
)
PARTS = ("database", "cache", "media")
MIGRATION = "migrate"  # the migration's container; no service has this name
# What the product reports of its release, the verification compares with what was deployed.
REPORTED = {"RELEASE_VERSION": "release.version", "RELEASE_IMAGE": "release.image"}


def parts(product: Product) -> frozenset[str]:
    """Returns the parts that a product has, of those in PARTS."""
    existing = {"database": product.database, "cache": product.cache, "media": product.media}
    return frozenset(part for part in PARTS if existing[part])


def default_variables(existing: Collection[str]) -> dict[str, str]:
    """Returns Slipway's own set of variables for a product with these parts, as a manifest would write them."""
    return {name: value for part, name, value in _DEFAULTS if part is None or part in existing}


def written(value: str | Public) -> str:
    """Returns the text of a variable's value."""
    return value.public if isinstance(value, Public) else value


def layers(product: Product) -> dict[str, Variables]:
    """Returns each place of a manifest that sets environment variables of containers, by its key."""
    return {
        "variables": product.variables,
        **{f"environments.{name}.variables": part.variables for name, part in product.environments.items()},
        **{f"services.{name}.variables": part.variables for name, part in product.services.items()},
        **({"migration.variables": product.migration.variables} if product.migration else {}),
        **{f"schedules.{name}.variables": part.variables for name, part in product.schedules.items()},
        **on_hosts(product),
    }


def on_hosts(product: Product) -> dict[str, Variables]:
    """Returns those places of a manifest that only hosts read, by their keys."""
    files = (
        {"compose.env": product.compose.env}
        | {f"compose.env_files.{name}": variables for name, variables in product.compose.env_files.items()}
        if product.compose
        else {}
    )
    return files | {f"containers.{name}.variables": part.variables for name, part in product.containers.items()}


def container_variables(product: Product, environment: str, own: Variables) -> dict[str, Value]:
    """Returns a container's variables in an environment; `own` are those of its service, schedule or migration.

    A service's variable replaces the environment's of the same name, this one the product's, and this one Slipway's.
    A variable under `secrets` replaces Slipway's too; it is not in the result.
    """
    texts = layered(product, environment, own)
    if product.default_variables:
        taken = {*texts, *product.secrets}
        texts |= {name: text for name, text in default_variables(parts(product)).items() if name not in taken}
    return {name: parse(text) for name, text in texts.items()}


def layered(product: Product, environment: str, own: Variables) -> dict[str, str]:
    """Returns the texts of the variables of a product, of an environment and of a part of it, later over earlier."""
    layers = (product.variables, product.environments[environment].variables, own)
    return {name: written(value) for layer in layers for name, value in layer.items()}


def containers(product: Product, environment: str) -> dict[str, dict[str, Value]]:
    """Returns the variables of every task in an environment: by service, by schedule, and by MIGRATION.

    Nothing for an environment on hosts or Kubernetes: products/host_files.py and kubernetes_files.py have what their
    containers get.
    """
    if environment not in product.on_fargate():
        return {}
    own = {name: service.variables for name, service in product.services.items()}
    own |= {name: schedule.variables for name, schedule in product.schedules.items()}
    if product.migration:
        own[MIGRATION] = product.migration.variables
    return {name: container_variables(product, environment, variables) for name, variables in own.items()}


def site_is_released(product: Product, environment: str) -> bool:
    """True if a release has to tell the containers the site's domain name, since CloudFront made it up."""
    if product.environments[environment].edge.domain:
        return False
    return any(
        reference.name.startswith("site.")
        for variables in containers(product, environment).values()
        for value in variables.values()
        for reference in value.references
    )
