"""Rules about environments on Kubernetes: error messages, as in checks.py."""

from __future__ import annotations

from collections.abc import Iterator

from products import host_checks, kubernetes_files
from products.environment import Environment
from products.errors import ProblemsError, nearest
from products.kubernetes import Kubernetes
from products.model import Product
from products.values import Value

# A function of Lambda waits for a rollout, and for the one that undoes it, and it runs for 15 minutes at most.
EKS_ROLLOUT_SECONDS, EKS_MIGRATION_MINUTES = 360, 12
_EXAMPLE = "kubernetes: {manifests: [k8s/app-prod.yaml], deployment: django-app, container: django-container}"


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every mistake in what runs on Kubernetes."""
    on_kubernetes = product.on_kubernetes()
    for name, environment in product.environments.items():
        place = f"environments.{name}"
        if environment.kubernetes and name not in on_kubernetes:
            yield (
                f"{place}.kubernetes: it has target {environment.target}; write target: kubernetes, or remove this "
                "section"
            )
        if name in on_kubernetes and environment.kubernetes is None:
            yield (
                f"{place}.kubernetes: missing; it has target kubernetes, which runs the product's manifests: write "
                f"{_EXAMPLE}"
            )
    given = {name: product.environments[name].kubernetes for name in on_kubernetes}
    for name, settings in given.items():
        if settings:
            yield from _cluster(product, f"environments.{name}.kubernetes", settings)
            yield from _environment(product, name, product.environments[name])
    if on_kubernetes:
        yield from _elsewhere(product, on_kubernetes[0])


def _elsewhere(product: Product, environment: str) -> Iterator[str]:
    """Yields an error message for each part of a product that a cluster does not run."""
    if product.sites():
        yield (
            f"frontend: {environment} has target kubernetes, where the Ingress answers every path; remove frontend, "
            "and let a Service serve the pages"
        )
    for name in product.schedules:
        yield (
            f"schedules.{name}: {environment} has target kubernetes, where nothing starts schedules; remove it, and "
            "write a CronJob into the manifests"
        )
    if product.migration and product.migration.variables and not product.on_fargate():
        yield (
            "migration.variables: on Kubernetes the migration has the variables of the deployment's container; write "
            "them under variables, and remove this section"
        )


def _cluster(product: Product, place: str, settings: Kubernetes) -> Iterator[str]:
    for index, file in enumerate(settings.manifests):
        if refusal := host_checks.file_refusal(file):
            yield f"{place}.manifests.{index}: {refusal}"
    for file in sorted({file for file in settings.manifests if settings.manifests.count(file) > 1}):
        yield f"{place}.manifests: '{file}' is listed twice; remove one of them"
    if settings.image and settings.image not in product.images:
        yield f"{place}.image: no image '{settings.image}' under images{nearest(settings.image, [*product.images])}"
    if settings.image is None and len(product.images) > 1:
        yield f"{place}.image: missing; write which of the images the container runs: {', '.join(product.images)}"
    if settings.namespace.startswith("kube-"):
        yield f"{place}.namespace: got {settings.namespace}; the prefix kube- is Kubernetes' own: write another name"
    migration, image = product.migration, settings.image or next(iter(product.images))
    if migration and image in product.images and migration.image in product.images and migration.image != image:
        yield (
            f"migration.image: got '{migration.image}', and on Kubernetes the migration is a Job with the pod template "
            f"of {settings.deployment}, which runs '{image}'; write image: {image}"
        )


def _kind(product: Product, place: str, settings: Kubernetes) -> Iterator[str]:
    """Yields an error message for every mistake that depends on the kind of cluster."""
    if settings.cluster == "microk8s":
        if settings.eks:
            yield f"{place}.eks: cluster is microk8s; write cluster: eks, or remove this section"
        return
    if settings.host:
        yield f"{place}.host: cluster is eks, which chooses its nodes itself; remove this section, see eks.most_vcpus"
    if settings.rollout_seconds > EKS_ROLLOUT_SECONDS:
        yield (
            f"{place}.rollout_seconds: got {settings.rollout_seconds}; on EKS a function waits for the rollout and for "
            f"the way back, 15 minutes at most: write {EKS_ROLLOUT_SECONDS} or less"
        )
    migration = product.migration
    if migration and migration.timeout_minutes > EKS_MIGRATION_MINUTES:
        yield (
            f"migration.timeout_minutes: got {migration.timeout_minutes}; on EKS a function waits for the Job, 15 "
            f"minutes at most: write {EKS_MIGRATION_MINUTES} or less"
        )


def _environment(product: Product, name: str, environment: Environment) -> Iterator[str]:
    place = f"environments.{name}"
    if environment.kubernetes:
        yield from _kind(product, f"{place}.kubernetes", environment.kubernetes)
    machines = environment.machines
    if machines and (refusal := host_checks.instance_refusal(machines.instance, environment)):
        yield f"{place}.kubernetes.host.instance: {refusal}"
    if environment.network.nat == "none":
        yield (
            f"{place}.network.nat: got none, and a cluster pulls its own images from the internet; write nat: instance "
            "(cheapest) or nat: gateway"
        )
    if environment.database and environment.database.rotate_password_days is not None:
        yield (
            f"{place}.database.rotate_password_days: a rotation restarts services on Fargate only; remove it, and "
            "renew the password as docs/runbook.md says"
        )
    if environment.edge.domain is None and (asked := _asks_for_site(product, name)):
        yield (
            f"{place}.edge.domain: missing; {asked} contains the site's name, and clusters are defined before "
            "CloudFront makes one up: write edge: {domain: {…}}, or the name itself"
        )


def _asks_for_site(product: Product, environment: str) -> str | None:
    try:
        config, secret = kubernetes_files.variables(product, environment)
    except ProblemsError:
        return None  # each wrong reference has its own message
    for name, value in {**config, **secret}.items():
        if isinstance(value, Value) and any(reference.name.startswith("site.") for reference in value.references):
            return name
    return None
