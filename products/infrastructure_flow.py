"""The flow `infrastructure` as data, and all flows of a product together with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from products import flows, names
from products.flows import Action, Delivery, Kind, Stage
from products.infrastructure import Infrastructure, PlatformRepository
from products.model import Product
from products.pipeline import Flow

NAME = "infrastructure"
TOOLING = "tooling"
_MINUTES: Mapping[Literal["check", "review", "deploy"], int] = {"check": 45, "review": 60, "deploy": 120}
_COMMENT_MINUTES = 5


def every(product: Product) -> tuple[Delivery, ...]:
    """Returns all pipelines of a product, in the manifest's order, the one of infrastructure last."""
    return (*flows.deliveries(product), *_infrastructure(product))


def settings(product: Product) -> Infrastructure | None:
    """Returns the manifest's section, or None if a person deploys the stacks."""
    return product.pipeline.infrastructure if product.pipeline else None


def repository(product: Product, infrastructure: Infrastructure) -> PlatformRepository:
    """Returns the platform repository."""
    own = product.repository
    return infrastructure.repository or PlatformRepository(owner=own.owner, name=own.name)


def branch(product: Product, infrastructure: Infrastructure) -> str:
    """Returns the branch whose pushes are deployed."""
    return infrastructure.branch or product.repository.branch


def targets(product: Product) -> tuple[str, ...]:
    """Returns what is deployed, in order: the environments as the manifest has them, then the tooling.

    The tooling is last because its deployment may change the pipeline itself, which ends the run (docs/adr/0046).
    """
    return (*product.environments, TOOLING)


def place(product: Product, target: str) -> tuple[str, str]:
    """Returns the account and region of a target."""
    where = product.tooling if target == TOOLING else product.environments[target]
    return where.account, where.region


def awaited(product: Product, infrastructure: Infrastructure) -> tuple[str, tuple[str, ...]]:
    """Returns the pipeline that has to test a commit first, and its actions that must succeed, as `Stage/Action`.

    They are those before it asks a person or deploys. An empty text and none, if nothing has to.
    """
    found = next(
        (delivery for delivery in flows.deliveries(product) if delivery.flow_name == infrastructure.after), None
    )
    if found is None:
        return "", ()
    begins = (
        number
        for number, stage in enumerate(found.stages)
        if stage.environment or any(action.kind is Kind.APPROVAL for action in stage.actions)
    )
    before = found.stages[1 : next(begins, len(found.stages))]
    return found.pipeline, tuple(f"{stage.name}/{action.name}" for stage in before for action in stage.actions)


def _infrastructure(product: Product) -> Iterator[Delivery]:
    infrastructure = settings(product)
    if infrastructure is None:
        return
    only = branch(product, infrastructure)
    yield Delivery(
        flow_name=NAME,
        pipeline=names.pipeline(product.name, NAME),
        flow=Flow(branches=(only,), stages=(NAME,)),
        mode="superseded",
        stop_older=False,
        stages=(Stage("Source", (Action("GitHub", Kind.SOURCE),)), *_stages(product, infrastructure)),
        branch=only,
        of_main=False,
        promoted=False,
    )


def _stages(product: Product, infrastructure: Infrastructure) -> Iterator[Stage]:
    minutes = {name: infrastructure.timeouts.get(name, default) for name, default in _MINUTES.items()}
    yield Stage(
        "Check",
        (
            Action("Check", Kind.CHECK, 1, minutes["check"]),
            Action("Policy", Kind.POLICY, 1, minutes["check"]),
            Action("Synth", Kind.SYNTH, 1, minutes["check"]),
        ),
    )
    yield Stage(
        "Review",
        (
            Action("Review", Kind.REVIEW, 1, minutes["review"]),
            Action("Comment", Kind.COMMENT, 2, _COMMENT_MINUTES),
        ),
    )
    for target in targets(product):
        yield Stage(f"Approve{names.pascal(target)}", (Action("Approve", Kind.APPROVAL, subject=target),))
        yield Stage(names.pascal(target), (Action("Deploy", Kind.DEPLOY_STACKS, 1, minutes["deploy"], target),))
