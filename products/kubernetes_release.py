"""The parts of a product's manifest that the build of Kubernetes manifests reads."""

from __future__ import annotations

from typing import Any

from products import kubernetes_files
from products.model import Product


def expected(product: Product) -> dict[str, Any]:
    """Returns what the build is told: files and names of each environment on Kubernetes, and what its pods may read."""
    return {"environments": {name: _environment(product, name) for name in product.on_kubernetes()}}


def objects(environment: str) -> str:
    """Returns the name of the bundle's file with the objects of an environment."""
    return f"kubernetes/{environment}.json"


def _environment(product: Product, environment: str) -> dict[str, Any]:
    settings = kubernetes_files.settings(product, environment)
    config, secret = kubernetes_files.variables(product, environment)
    return {
        "files": kubernetes_files.manifests(product, environment),
        "namespace": settings.namespace,
        "deployment": settings.deployment,
        "container": settings.container,
        "image": kubernetes_files.image(product, environment),
        "images": list(product.images),
        "service": settings.service_name,
        "service_port": settings.service_port,
        "config_map": settings.config_map_name,
        "config": list(config),
        "secret": settings.secret_name,
        "secrets": list(secret),
        "ingress": settings.cluster == "microk8s",
    }
