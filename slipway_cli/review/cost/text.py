"""Renders estimates as Markdown tables that are also readable in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from slipway_cli.review.cost import compare
from slipway_cli.review.cost.assumptions import NOT_COUNTED, Assumptions
from slipway_cli.review.cost.estimate import CENT, Estimate, Line
from slipway_cli.review.cost.prices import PriceTable, table
from slipway_cli.review.model import Section

_MARK = "?"
_MOST_CHANGES = 20  # listed resources; the totals include the rest
_FIRST = 3  # groups listed in the row of an environment


def money(amount: Decimal) -> str:
    """Returns an amount such as `$14.20`."""
    return f"${amount.quantize(CENT, ROUND_HALF_UP):,}"


def signed(amount: Decimal) -> str:
    """Returns a difference such as `+$14.20`, `-$3.65` or `±$0.00`."""
    rounded = amount.quantize(CENT, ROUND_HALF_UP)
    return f"{'+' if rounded > 0 else '-' if rounded < 0 else '±'}${abs(rounded):,}"


def section(before: Estimate, after: Estimate) -> Section:
    """Returns the section about costs of a report."""
    return Section(title="Cost", markdown="\n".join(_compared(before, after)), headline=headline(before, after))


def headline(before: Estimate, after: Estimate) -> str:
    """Returns e.g. `production +$14.20/month, staging -$3.65/month`; empty if no cost changes."""
    moved = [
        (name, more)
        for name in compare.environments(before, after)
        if abs(more := after.total(name) - before.total(name)) >= CENT
    ]
    return ", ".join(f"{name} {signed(more)}/month" for name, more in sorted(moved, key=lambda move: -abs(move[1])))


def _compared(before: Estimate, after: Estimate) -> Iterator[str]:
    rows = [
        (name, money(before.total(name)), money(after.total(name)), signed(after.total(name) - before.total(name)))
        for name in compare.environments(before, after)
    ]
    total = ("**all**", money(before.total()), money(after.total()), signed(after.total() - before.total()))
    yield from aligned(("per month", "before", "after", "change"), [*rows, total], numbers=(1, 2, 3))
    found = compare.changes(before, after)
    if found:
        yield from ("", "The largest changes:", "")
        yield from (
            f"- {change.environment}: {change.words}: {signed(change.more)}" for change in found[:_MOST_CHANGES]
        )
        if len(found) > _MOST_CHANGES:
            yield f"- {len(found) - _MOST_CHANGES} more, of less than {money(abs(found[_MOST_CHANGES - 1].more))} each"
    yield from ("", *unpriced(after), *footnotes(after))


def alone(estimate: Estimate, *, details: bool, profiles: Mapping[str, str | None]) -> Iterator[str]:
    """Yields the table of one estimate: a row for each environment, with its profile; with details, also its lines."""
    rows = [
        (name, profiles.get(name) or "", money(estimate.total(name)), _largest_groups(estimate, name))
        for name in estimate.environments
    ]
    heads = ("environment", "profile", "per month", "largest parts")
    yield from aligned(heads, [*rows, ("**all**", "", money(estimate.total()), "")], numbers=(2,))
    if details:
        for name in estimate.environments:
            yield from ("", f"## {name}: {money(estimate.total(name))} per month", "")
            yield from _details([line for line in estimate.lines if line.environment == name])


def _largest_groups(estimate: Estimate, name: str) -> str:
    groups = list(estimate.groups(name).items())
    return ", ".join(f"{group} {money(amount)}" for group, amount in groups[:_FIRST])


def _details(lines: Sequence[Line]) -> list[str]:
    shown = [line for line in lines if line.amount >= CENT]
    rows = [
        (
            line.group,
            f"{line.use.what}{f' ({line.use.note})' if line.use.note else ''}",
            line.use.how_much,
            f"{line.price.amount.normalize():f}{'' if line.price.verified else _MARK}",
            money(line.amount),
            line.use.assumed,
        )
        for line in sorted(shown, key=lambda line: -line.amount)
    ]
    small = [line for line in lines if line.amount < CENT]
    if small:
        rows.append(("", f"{len(small)} lines under a cent each", "", "", money(_sum(small)), ""))
    return aligned(("group", "item", "quantity", "$ per unit", "per month", "assumption"), rows, numbers=(2, 3, 4))


def unpriced(estimate: Estimate) -> Iterator[str]:
    """Yields the list of resources whose cost is not included."""
    if not estimate.unpriced:
        return
    yield "**Not included**, because there is no price:"
    yield ""
    for entry in dict.fromkeys(
        (missing.environment, missing.path, missing.kind, missing.why) for missing in estimate.unpriced
    ):
        environment, path, kind, why = entry
        yield f"- {environment}: {path} ({kind}): {why}"
    yield ""


def footnotes(estimate: Estimate, prices: PriceTable | None = None) -> Iterator[str]:
    """Yields the date of the prices, and the costs that are left out."""
    checked = (prices or table()).checked
    mark = f" No public page confirms a price marked with {_MARK}." if estimate.unverified() else ""
    yield f"On-demand prices as read on {checked:%Y-%m-%d} (slipway_cli/review/cost/prices.yaml).{mark}"
    yield f"Not included: {'; '.join(NOT_COUNTED)}."


def assumed(assume: Assumptions) -> list[str]:
    """Returns the table of assumptions."""
    return aligned(("value", "assumption"), assume.printed(), numbers=(0,))


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> list[str]:
    """Returns a Markdown table with padded columns; numbers are aligned to the right."""
    cells = [list(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    rule = [f"{'-' * (w - 1)}:" if c in numbers else "-" * w for c, w in enumerate(widths)]
    lines = [cells[0], rule, *cells[1:]]
    return [
        "| "
        + " | ".join(
            cell.rjust(w) if c in numbers else cell.ljust(w)
            for c, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    ]


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))
