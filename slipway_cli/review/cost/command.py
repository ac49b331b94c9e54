"""`slipway cost`: what a manifest costs a month as it is, and at three sizes with each way out to the internet."""

from __future__ import annotations

from collections.abc import Iterator

from products import Product
from slipway_cli.review.cost import text
from slipway_cli.review.cost.estimate import Estimate, estimate
from slipway_cli.review.cost.profiles import NATS, PROFILES, Variant, variants
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.synth import assembly


def page(product: Product, environment: str | None, *, details: bool) -> str:
    """Returns what a product costs a month.

    Raises:
        ReviewError: if the environment is none of its own.
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
    found = variants(product, environment)
    drawn = {f"v{i}": it.environment for i, it in enumerate(found)}
    months = estimate(assembly(product.model_copy(update={"pipeline": None}), drawn, tooling=False).stacks)
    totals = {(it.profile, it.nat): _cell(it, months, f"v{i}") for i, it in enumerate(found)}
    rows = [(it.name, *(totals[it.name, nat] for nat in NATS), it.means) for it in PROFILES]
    lines = text.aligned(("profile", *(f"NAT: {nat}" for nat in NATS), "what it is"), rows, numbers=(1, 2, 3))
    problems = dict.fromkeys(f"NAT: {it.nat} cannot be had: {it.problem}" for it in found if it.problem)
    return [*lines, "", *problems] if problems else lines


def _cell(it: Variant, months: Estimate, name: str) -> str:
    missing = any(each.environment == name for each in months.unpriced)
    month = f"{text.money(months.total(name))}{' and more' if missing else ''}"
    return f"({month})" if it.problem else month
