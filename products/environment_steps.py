"""The actions of an environment's stage, as its target has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from products.actions import Kind
from products.model import Product

# Timeouts of an environment's actions other than the deployment, which gets the rest of the stage's minutes.
PREPARE_MINUTES, FRONTEND_MINUTES, INVALIDATE_MINUTES, VERIFY_MINUTES = 2, 5, 3, 2
SMOKE_MINUTES = 5
LEAST_DEPLOY_MINUTES = 5
HOST_MINUTES = 4
"""A host needs these before a migration begins: another step ends, the files are checked, the images are pulled."""


def smoke_tested(product: Product, environment: str) -> bool:
    """True if a program of the product uses an environment after each deployment."""
    smoke = product.pipeline.smoke if product.pipeline else None
    return smoke is not None and environment in (smoke.environments or product.environments)


def deploy_minutes(product: Product, environment: str, stage_minutes: int) -> int:
    """Returns the minutes that an environment's other actions leave for the deployment. They may be negative."""
    longest: dict[int, int] = {}
    for order, step in ordered(steps(product, environment)):
        longest[order] = max(longest.get(order, 0), step.minutes)
    return stage_minutes - sum(longest.values())


@dataclass(frozen=True)
class Step:
    """One action of an environment's stage; 0 minutes for the deployment, which gets the rest of the stage's."""

    name: str
    kind: Kind
    minutes: int = 0
    beside: bool = False
    """True if it runs in parallel with the step before."""


def ordered(given: Sequence[Step]) -> list[tuple[int, Step]]:
    """Returns the steps with their run orders."""
    found: list[tuple[int, Step]] = []
    for step in given:
        before = found[-1][0] if found else 0
        found.append((before if step.beside else before + 1, step))
    return found


def steps(product: Product, environment: str) -> list[Step]:
    """Returns the actions of an environment's stage, as its target has them."""
    targets = {"fargate": _service_steps, "hosts": _host_steps, "kubernetes": _kubernetes_steps}
    smoke = [Step("Smoke", Kind.SMOKE, SMOKE_MINUTES)] if smoke_tested(product, environment) else []
    return [*targets[product.environments[environment].target](product), *smoke]


def _service_steps(product: Product) -> list[Step]:
    steps = [Step("Deploy", Kind.DEPLOY)]
    if product.migration:
        migrate = Step("Migrate", Kind.MIGRATE, product.migration.timeout_minutes)
        if product.migration.when == "before_deploy":
            steps = [Step("Prepare", Kind.PREPARE, PREPARE_MINUTES), migrate, *steps]
        else:
            steps.append(migrate)
    if product.sites():
        steps.append(Step("Frontend", Kind.FRONTEND, FRONTEND_MINUTES))
        steps.append(Step("Invalidate", Kind.INVALIDATE, INVALIDATE_MINUTES))
    # Verify asks the services, whose answers CloudFront does not keep.
    return [*steps, Step("Verify", Kind.VERIFY, VERIFY_MINUTES, beside=bool(product.sites()))]


def _host_steps(product: Product) -> list[Step]:
    return _own_steps(product, Kind.MIGRATE_ON_HOST, Kind.DEPLOY_TO_HOSTS, Kind.VERIFY_HOSTS)


def _kubernetes_steps(product: Product) -> list[Step]:
    return _own_steps(product, Kind.MIGRATE_ON_KUBERNETES, Kind.DEPLOY_TO_KUBERNETES, Kind.VERIFY_KUBERNETES)


def _own_steps(product: Product, migrate: Kind, deploy: Kind, verify: Kind) -> list[Step]:
    """Returns the actions where the release itself has the migration's image and variables."""
    steps = [Step("Deploy", deploy)]
    if product.migration:
        migration = Step("Migrate", migrate, product.migration.timeout_minutes + HOST_MINUTES)
        steps = [migration, *steps] if product.migration.when == "before_deploy" else [*steps, migration]
    return [*steps, Step("Verify", verify, VERIFY_MINUTES)]
