"""Adds the sections about costs and diagrams to a report."""

from __future__ import annotations

from dataclasses import replace

from products import drawing
from slipway_cli.review.assembly import Assembly
from slipway_cli.review.cost import text
from slipway_cli.review.cost.estimate import estimate
from slipway_cli.review.diagrams.page import drawings
from slipway_cli.review.model import Report, Section

_COST, _DIAGRAM = "Cost", "Diagrams"


def is_added(section: Section) -> bool:
    """True if this module made the section."""
    return section.title.startswith((_COST, _DIAGRAM))


def with_cost_and_diagrams(report: Report, before: Assembly, after: Assembly) -> Report:
    """Returns the report with the costs of the change and the diagrams that change."""
    cost = replace(text.section(estimate(before.stacks), estimate(after.stacks)), title=_COST)
    drawn = _redrawn(before, after)
    return replace(report, sections=(*report.sections, cost, *([drawn] if drawn else [])))


def _redrawn(before: Assembly, after: Assembly) -> Section | None:
    """Returns the section with the changed diagrams, in Mermaid, which GitHub renders."""
    was = drawings(before).all()
    now = {name: graph for name, graph in drawings(after).all().items() if was.get(name) != graph}
    if not now:
        return None
    blocks = [
        f"**{name}**, after the change\n\n```mermaid\n{drawing.mermaid(graph)}\n```" for name, graph in now.items()
    ]
    return Section(title=f"{_DIAGRAM}: {', '.join(now)}", markdown="\n\n".join(blocks))
