"""The parts of a report that pictures and prices make: added to what the comparison found."""

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
    """Whether a section is one of those that are made here."""
    return section.title.startswith((_COST, _DIAGRAM))


def completed(report: Report, before: Assembly, after: Assembly) -> Report:
    """The report with what the change costs, and with the diagrams that it changes."""
    cost = replace(text.section(estimate(before.stacks), estimate(after.stacks)), title=_COST)
    drawn = _redrawn(before, after)
    return replace(report, sections=(*report.sections, cost, *([drawn] if drawn else [])))


def _redrawn(before: Assembly, after: Assembly) -> Section | None:
    """Only what looks otherwise than before, as it will look: GitHub draws it."""
    was = drawings(before).all()
    now = {name: graph for name, graph in drawings(after).all().items() if was.get(name) != graph}
    if not now:
        return None
    blocks = [f"**{name}**, as it will be\n\n```mermaid\n{drawing.mermaid(graph)}\n```" for name, graph in now.items()]
    return Section(title=f"{_DIAGRAM}: {', '.join(now)}", markdown="\n\n".join(blocks))
