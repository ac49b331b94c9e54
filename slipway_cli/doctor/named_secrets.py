"""The secrets that a manifest names and that an operator creates, by the part of the product that needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from products import Product
from products.base import ExistingSecret
from slipway_cli.doctor.model import TOOLING


@dataclass(frozen=True)
class Named:
    """A secret, by its name in Secrets Manager."""

    name: str
    key: str
    """The key in a JSON secret; empty for the whole value."""
    purpose: str
    """Where the manifest names it."""


def wanted(product: Product, part: str) -> Iterator[Named]:
    """Yields the secrets of `tooling` or of an environment, one for each place in the manifest that names it."""
    if part != TOOLING:
        yield from _of("secrets", product.secrets)
        return
    for name, image in product.images.items():
        yield from _of(f"images.{name}.build_secrets", image.build_secrets)
    pipeline = product.pipeline
    if pipeline is None:
        return
    for name, frontend in product.sites().items():
        yield from _of(f"frontends.{name}.secrets" if name else "frontend.secrets", frontend.secrets)
    for name, check in pipeline.checks.items():
        yield from _of(f"pipeline.checks.{name}.secrets", check.secrets)
    yield Named(pipeline.github.secret, "", "pipeline.github.secret")
    for service in ("slack", "discord"):
        if secret := getattr(pipeline.notifications, f"{service}_secret"):
            yield Named(secret, "", f"pipeline.notifications.{service}_secret")


def _of(place: str, secrets: dict[str, ExistingSecret]) -> Iterator[Named]:
    for variable, secret in secrets.items():
        yield Named(secret.name, secret.key or "", f"{place}.{variable}")
