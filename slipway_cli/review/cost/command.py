"""`slipway cost`: the monthly cost of a manifest, as configured and at three sizes with each kind of NAT."""

from __future__ import annotations

from collections.abc import Iterator

from products import Product
from slipway_cli.review.cost import text
from slipway_cli.review.cost.estimate import Estimate, estimate
from slipway_cli.review.cost.profiles import NATS, PROFILES, Variant, variants
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.synth import assembly


def page(product: Product, environment: str | None, *, details: bool) -> str:
    """Returns the monthly cost of a product, as Markdown.

    Raises:
        ReviewError: if the product has no such environment.
    """
    name = _environment(product, environment)
    now = estimate(assembly(product, product.environments, tooling=True).stacks)
    return "\n".join(_page(product, now, name, details=details))


def _environment(product: Product, wanted: str | None) -> str:
    known = list(product.environments)
    if wanted and wanted not in known:
        raise ReviewError(f"no environment '{wanted}' in {product.name}; write one of: {', '.join(known)}")
    return wanted or known[-1]


def _page(product: Product, now: Estimate, environment: str, *, details: bool) -> Iterator[str]:
    yield from (f"# {product.description or product.name}: {text.money(now.total())} a month", "")
    yield from text.alone(now, details=details)
    yield ""
    yield from text.unpriced(now)
    yield from (f"## {environment} at three sizes, a month", "")
    yield from _profiles(product, environment)
    yield from ("", "## Assumed", "", *text.assumed(now.assumptions), "", *text.footnotes(now))


def _profiles(product: Product, environment: str) -> list[str]:
    found = {f"v{index}": variant for index, variant in enumerate(variants(product, environment))}
    environments = {name: variant.environment for name, variant in found.items()}
    months = estimate(assembly(product.model_copy(update={"pipeline": None}), environments, tooling=False).stacks)
    totals = {(variant.profile, variant.nat): _cell(variant, months, name) for name, variant in found.items()}
    rows = [(profile.name, *(totals[profile.name, nat] for nat in NATS), profile.means) for profile in PROFILES]
    lines = text.aligned(("profile", *(f"NAT: {nat}" for nat in NATS), "what it is"), rows, numbers=(1, 2, 3))
    problems = dict.fromkeys(
        f"NAT: {variant.nat} is not possible: {variant.problem}" for variant in found.values() if variant.problem
    )
    return [*lines, "", *problems] if problems else lines


def _cell(variant: Variant, months: Estimate, name: str) -> str:
    missing = any(resource.environment == name for resource in months.unpriced)
    month = f"{text.money(months.total(name))}{' and more' if missing else ''}"
    return f"({month})" if variant.problem else month
