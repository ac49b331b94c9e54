"""`slipway cost`: the monthly cost of a manifest, what would save, and each profile with each kind of NAT."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from products import Product, profiles
from slipway_cli.review.cost import savings, text
from slipway_cli.review.cost.estimate import Estimate, estimate
from slipway_cli.review.cost.profiles import NATS, Variant, variants
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.synth import assembly

_LEAST = Decimal(1)  # dollars a month; smaller savings are not worth a line


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
    chosen = {name: of.profile for name, of in product.environments.items()}
    yield from text.alone(now, details=details, profiles=chosen)
    yield ""
    yield from text.unpriced(now)
    yield from ("## Savings, a month", "")
    yield from _savings(product, now)
    yield from ("", f"## {environment} with each profile, a month", "")
    yield from _profiles(product, environment)
    yield from ("", "What each profile sets, and what it risks: docs/profiles.md.")
    yield from ("", "## Assumed", "", *text.assumed(now.assumptions), "", *text.footnotes(now))


def _savings(product: Product, now: Estimate) -> list[str]:
    """Returns the table of single changes that save a dollar or more, the largest of each environment first."""
    found = [(name, *change) for name in product.environments for change in savings.of(product, name)]
    if not found:
        return ["None."]
    without = product.model_copy(update={"pipeline": None})
    changed = {f"s{index}": environment for index, (_, _, environment) in enumerate(found)}
    months = estimate(assembly(without, changed, tooling=False).stacks)
    rows = []
    for index, (name, saving, _) in enumerate(found):
        saved = now.total(name) - months.total(f"s{index}")
        if saved >= _LEAST:
            rows.append((list(product.environments).index(name), -saved, name, saving))
    lines = [
        (name, saving.write, text.money(-less), saving.consequence)
        for _, less, name, saving in sorted(rows, key=lambda row: row[:2])
    ]
    return text.aligned(("environment", "write", "saves", "consequence"), lines, numbers=(2,)) if lines else ["None."]


def _profiles(product: Product, environment: str) -> list[str]:
    found = {f"v{index}": variant for index, variant in enumerate(variants(product, environment))}
    environments = {name: variant.environment for name, variant in found.items()}
    months = estimate(assembly(product.model_copy(update={"pipeline": None}), environments, tooling=False).stacks)
    totals = {(variant.profile, variant.nat): _cell(variant, months, name) for name, variant in found.items()}
    nats = [nat for nat in NATS if any(nat == kind for _, kind in totals)]
    rows = [(profile, *(totals[profile, nat] for nat in nats)) for profile in profiles.PROFILES]
    numbers = tuple(range(1, len(nats) + 1))
    lines = text.aligned(("profile", *(f"NAT: {nat}" for nat in nats)), rows, numbers=numbers)
    problems = dict.fromkeys(
        f"NAT: {variant.nat} is not possible: {variant.problem}" for variant in found.values() if variant.problem
    )
    return [*lines, "", *problems] if problems else lines


def _cell(variant: Variant, months: Estimate, name: str) -> str:
    missing = any(resource.environment == name for resource in months.unpriced)
    month = f"{text.money(months.total(name))}{' and more' if missing else ''}"
    return f"({month})" if variant.problem else month
