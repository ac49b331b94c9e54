"""`make cost`: what a manifest costs a month as it is, and at three sizes with each way out to the internet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from products import ManifestError, Product, load
from slipway_cli.review.cost import text
from slipway_cli.review.cost.estimate import Estimate, estimate
from slipway_cli.review.cost.profiles import NATS, PROFILES, Variant, variants
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.synth import assembly


def main(arguments: list[str] | None = None) -> int:
    """Print it; 2 where the manifest cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m slipway_cli.review.cost", description=__doc__)
    parser.add_argument("--product", required=True)
    parser.add_argument("--details", action="store_true", help="every line, with its quantity, price and assumption")
    parser.add_argument("--environment", help="which one the profiles vary; by default the last of the manifest")
    options = parser.parse_args(arguments)
    try:
        product = load(options.product)
        name = _environment(product, options.environment)
        now = estimate(assembly(product, product.environments, tooling=True).stacks)
        lines = list(_page(product, now, name, details=options.details))
    except (ManifestError, ReviewError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the user reads it
        return 2
    print("\n".join(lines))  # noqa: T201 - what the command is for
    return 0


def _environment(product: Product, wanted: str | None) -> str:
    known = list(product.environments)
    if wanted and wanted not in known:
        raise ReviewError(f"--environment {wanted}: no such environment; write one of: {', '.join(known)}")
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


if __name__ == "__main__":
    sys.exit(main())
