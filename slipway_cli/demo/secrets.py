"""Placeholders for the secrets that a manifest names and that an operator creates on AWS."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterator

from localcloud import clients, keys
from localcloud.settings import Settings
from products import Product
from products.base import ExistingSecret

Place = tuple[str, str]
"""An account and a region."""


def create_missing(settings: Settings, product: Product) -> list[str]:
    """Create the secrets that do not exist, with random values. Returns their names."""
    created = []
    for (account, region), wanted in _wanted(product).items():
        credentials = keys.root(settings, account).credentials()
        client = clients.client("secretsmanager", credentials, region, url=settings.url)
        for name, fields in wanted.items():
            values = {field: f"placeholder-{secrets.token_hex(16)}" for field in sorted(fields)}
            try:
                client.create_secret(Name=name, SecretString=values.get("") or json.dumps(values))
            except client.exceptions.ResourceExistsException:
                continue
            created.append(name)
    return sorted(set(created))


def _wanted(product: Product) -> dict[Place, dict[str, set[str]]]:
    """Returns the keys of each secret by place; the empty key is the whole value."""
    found: dict[Place, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for place, secret in _named(product):
        found[place][secret.name].add(secret.key or "")
    return found


def _named(product: Product) -> Iterator[tuple[Place, ExistingSecret]]:
    tooling = (product.tooling.account, product.tooling.region)
    for image in product.images.values():
        for secret in (*image.build_secrets.values(), *image.candidate_secrets.values()):
            yield tooling, secret
    for environment in product.environments.values():
        for secret in product.secrets.values():
            yield (environment.account, environment.region), secret
