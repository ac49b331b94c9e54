"""Shell completion: names from the manifests, without a request to any cloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slipway_cli import choice

if TYPE_CHECKING:
    from products import Product


def products(incomplete: str) -> list[str]:
    """Completes the name of a manifest."""
    return _begun((*choice.manifests(), *choice.examples()), incomplete)


def environments(ctx: Any, incomplete: str) -> list[str]:
    """Completes the name of an environment."""
    return _begun((name for product in _meant(ctx) for name in product.environments), incomplete)


def parts(ctx: Any, incomplete: str) -> list[str]:
    """Completes `tooling` or the name of an environment."""
    return _begun(("tooling", *environments(ctx, "")), incomplete)


def services(ctx: Any, incomplete: str) -> list[str]:
    """Completes the name of a service or a schedule, or `migrate`."""
    found = (name for product in _meant(ctx) for name in (*product.services, *product.schedules, "migrate"))
    return _begun(found, incomplete)


def flows(ctx: Any, incomplete: str) -> list[str]:
    """Completes the name of a flow."""
    from products.infrastructure_flow import every  # noqa: PLC0415 - pydantic takes longer than the rest of the start

    return _begun((delivery.flow_name for product in _meant(ctx) for delivery in every(product)), incomplete)


def stages(ctx: Any, incomplete: str) -> list[str]:
    """Completes the name of a stage."""
    from products.infrastructure_flow import every  # noqa: PLC0415 - pydantic takes longer than the rest of the start

    found = (stage.name for product in _meant(ctx) for delivery in every(product) for stage in delivery.stages)
    return _begun(found, incomplete)


def drills(incomplete: str) -> list[str]:
    """Completes the name of a drill."""
    from slipway_cli.drills.book import DRILLS  # noqa: PLC0415 - imports boto3

    return _begun((drill.name for drill in DRILLS), incomplete)


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _meant(ctx: Any) -> Iterator[Product]:
    """Yields the products that the incomplete command line may refer to."""
    from products import ManifestError, load  # noqa: PLC0415 - pydantic takes longer than the rest of the start

    name = choice.named(ctx.params.get("product"))
    for manifest in [name] if name else choice.manifests():
        with suppress(ManifestError):
            yield load(manifest)
