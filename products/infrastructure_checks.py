"""Rules about the `pipeline.infrastructure:` section: error messages, as in checks.py, for a flow that would fail."""

from __future__ import annotations

from collections.abc import Iterator

from products import infrastructure_flow, names
from products.model import Product

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
    own, platform = product.repository, infrastructure_flow.repository(product, section)
    same = (own.owner, own.name) == (platform.owner, platform.name)
    if section.repository is not None and same:
        yield (
            "pipeline.infrastructure.repository: it is the product's own repository, which is the default; remove it"
        )
