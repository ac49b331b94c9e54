"""Renders the cost section of the page: totals before and after, changes, and each line with its assumption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from slipway_cli.review.cost import compare
from slipway_cli.review.cost.assumptions import NOT_COUNTED
from slipway_cli.review.cost.estimate import CENT, Estimate, Line
from slipway_cli.review.cost.prices import table as prices
from slipway_cli.review.cost.text import money, signed
from slipway_cli.review.html.markup import folded, listed, section, table, text


def cost(before: Estimate, after: Estimate) -> str:
    """Returns the cost section."""
    return section("cost", "Cost per month", *_parts(before, after))


def _parts(before: Estimate, after: Estimate) -> Iterator[str]:
    names = compare.environments(before, after)
    rows = [_row(text(name), before.total(name), after.total(name)) for name in names]
    heads = ("", "before", "after", "change")
    yield table(heads, [*rows, _row("all", before.total(), after.total())], numbers=(1, 2, 3), total=True)
    changed = compare.changes(before, after)
    if changed:
        yield "<h3>Changes by resource</h3>"
        yield table(
            ("environment", "change", "item"),
            [(text(change.environment), _more(change.more), text(change.words)) for change in changed],
            numbers=(1,),
        )
    if after.unpriced:
        items = dict.fromkeys(
            f"{text(missing.environment)}: {text(missing.path)} ({text(missing.kind)}): {text(missing.why)}"
            for missing in after.unpriced
        )
        note = "<b>Not included</b>, because there is no price:"
        yield f'<div class="verdict">{note}{listed(list(items))}</div>'
    for name in after.environments:
        yield folded(_heading(after, name), _lines([line for line in after.lines if line.environment == name]))
    yield folded("Assumptions, and costs that are not included", _assumptions(after))


def _row(name: str, was: Decimal, now: Decimal) -> tuple[str, ...]:
    return (name, money(was), money(now), _more(now - was))


def _more(amount: Decimal) -> str:
    if abs(amount) < CENT:
        return '<span class="soft">no change</span>'
    return f'<span class="{"more" if amount > 0 else "less"}">{signed(amount)}</span>'


def _heading(estimate: Estimate, name: str) -> str:
    """Returns the heading of an environment, with a bar that shows the shares of its groups."""
    total = estimate.total(name)
    groups = list(estimate.groups(name).items())
    if not total:
        return f"<b>{text(name)}</b> {money(total)}"
    shares = "".join(
        f'<span style="width:{amount / total * 100:.1f}%" title="{text(group)} {money(amount)}"></span>'
        for group, amount in groups
    )
    largest = ", ".join(f"{text(group)} {money(amount)}" for group, amount in groups[:4])
    return (
        f'<b>{text(name)}</b> {money(total)}<div class="bars" aria-hidden="true">{shares}</div><small>{largest}</small>'
    )


def _lines(lines: Sequence[Line]) -> str:
    rows = [
        (
            f"{text(line.use.what)}{f'<br><small>{text(line.use.note)}</small>' if line.use.note else ''}",
            text(line.use.how_much),
            f"${line.price.amount.normalize():f}{'' if line.price.verified else '?'}",
            money(line.amount),
            f"<small>{text(line.use.assumed)}</small>",
        )
        for line in sorted(lines, key=lambda entry: -entry.amount)
        if line.amount >= CENT
    ]
    return table(("item", "quantity", "per unit", "per month", "assumption"), rows, numbers=(1, 2, 3))


def _assumptions(estimate: Estimate) -> str:
    rows = [(text(value), text(meaning)) for value, meaning in estimate.assumptions.printed()]
    checked = (
        f"On-demand prices as read on {prices().checked:%Y-%m-%d}; slipway_cli/review/cost/prices.yaml names the pages."
    )
    mark = " No public page confirms a price marked with ?." if estimate.unverified() else ""
    left_out = listed([text(item) for item in NOT_COUNTED])
    return f"<p>{checked}{mark}</p>{table(('value', 'assumption'), rows, numbers=(0,))}<p>Not included:</p>{left_out}"
