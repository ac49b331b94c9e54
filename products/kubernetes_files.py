"""The variables of an environment's pods, and the path of requests to them, derived from the manifest."""

from __future__ import annotations

from products.base import ExistingSecret
from products.host_files import INGRESS_PORT, Entrance, named
from products.kubernetes import Kubernetes
from products.model import Product
from products.values import Value
from products.variables import container_variables


def settings(product: Product, environment: str) -> Kubernetes:
    """Returns the cluster of an environment.

    Raises:
        ValueError: if the environment does not run on Kubernetes.
    """
    found = product.environments[environment].kubernetes
    if found is None:
        raise ValueError(f"{environment} has no section kubernetes")
    return found


def manifests(product: Product, environment: str) -> list[str]:
    """Returns the names of an environment's manifests in the repository."""
    return [named(file, environment) for file in settings(product, environment).manifests]


def image(product: Product, environment: str) -> str:
    """Returns the image of the deployment's container; the manifest's checks have made sure that there is one."""
    return settings(product, environment).image or next(iter(product.images))


def variables(product: Product, environment: str) -> tuple[dict[str, Value], dict[str, Value | ExistingSecret]]:
    """Returns the variables of the ConfigMap and those of the Secret, which are all that contain a secret."""
    found = container_variables(product, environment, {})
    return (
        {name: value for name, value in found.items() if not value.secret},
        {**{name: value for name, value in found.items() if value.secret}, **product.secrets},
    )


def entrance(product: Product, environment: str) -> Entrance:
    """Returns where a MicroK8s host answers the load balancer, or the pods of EKS, whose ports their manifests say."""
    found = settings(product, environment)
    return Entrance(found.service_name, INGRESS_PORT, found.health_path, found.static_paths)
