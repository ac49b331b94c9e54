"""Rules about the `pipeline.infrastructure:` section: error messages, as in checks.py, for a flow that would fail."""

from __future__ import annotations

from collections.abc import Iterator

from products import infrastructure_flow, names
from products.errors import nearest
from products.infrastructure import Infrastructure
from products.model import Product
from products.pipeline import Pipeline

_STAGES = ("check", "review")


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every mistake in the section."""
    section, pipeline = infrastructure_flow.settings(product), product.pipeline
    if section is None or pipeline is None:
        return
    if infrastructure_flow.NAME in pipeline.flows:
        yield (
            f"pipeline.flows.{infrastructure_flow.NAME}: the section pipeline.infrastructure defines the flow of this "
            "name; give your flow another"
        )
    notifications = pipeline.notifications
    if not (notifications.emails or notifications.slack_secret or notifications.discord_secret):
        yield (
            "pipeline.infrastructure.approval: nobody would be notified of an approval; write emails, slack_secret or "
            "discord_secret under pipeline.notifications"
        )
    for environment in product.environments:
        if environment in _STAGES:
            yield (
                f"environments.{environment}: the flow {infrastructure_flow.NAME} has a stage with this name; give the "
                "environment another"
            )
    for target in infrastructure_flow.targets(product):
        role = names.infrastructure_role(product.name, "deploy", target)
        if len(role) > names.ROLE_LIMIT:
            yield (
                f"environments.{target}: role '{role}' is {len(role) - names.ROLE_LIMIT} characters too long; shorten "
                "the name of the environment or of the product"
            )
    yield from _after(product, pipeline, section)
    own, platform = product.repository, infrastructure_flow.repository(product, section)
    same = (own.owner, own.name) == (platform.owner, platform.name)
    if section.repository is not None and same:
        yield (
            "pipeline.infrastructure.repository: it is the product's own repository, which is the default; remove it"
        )


def _after(product: Product, pipeline: Pipeline, section: Infrastructure) -> Iterator[str]:
    """Yields an error message if the flow that has to succeed first never runs with the same commit."""
    place, flow = "pipeline.infrastructure.after", pipeline.flows.get(section.after or "")
    if section.after is None:
        return
    if section.repository is not None:
        yield f"{place}: commits of another repository have no run of the flow {section.after}; remove the line"
    elif flow is None:
        yield f"{place}: no flow '{section.after}'{nearest(section.after, list(pipeline.flows))}"
    elif flow.branches != (infrastructure_flow.branch(product, section),) or flow.pull_requests_to:
        branch = infrastructure_flow.branch(product, section)
        yield (
            f"{place}: the flow {section.after} must be started by pushes to {branch} alone; write its branches: "
            f"[{branch}]"
        )
    elif flow.paths or flow.ignore_paths or flow.images_from:
        yield (
            f"{place}: the flow {section.after} does not build and test every commit; name one without paths and "
            "images_from"
        )
    elif not infrastructure_flow.awaited(product, section)[1]:
        yield (
            f"{place}: the flow {section.after} neither builds nor tests before it deploys; write publish and test "
            "first"
        )
