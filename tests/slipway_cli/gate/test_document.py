"""docs/accepted-risks.md lists the acceptances of the constructs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway_cli.gate.document import LIMIT, PATH, document
from slipway_cli.gate.findings import SHORTEST_REASON, Inspection, risks
from tests.support.synthesis import PRODUCTS, shipped


@pytest.fixture(scope="module")
def inspections() -> list[Inspection]:
    return [Inspection(product, (), shipped(product).accepted) for product in PRODUCTS]


def test_the_page_is_up_to_date_with_the_constructs(inspections: list[Inspection]) -> None:
    assert PATH.read_text(encoding="utf-8") == document(inspections), "type `make docs`"


def test_there_are_fewer_accepted_risks_than_the_limit(inspections: list[Inspection]) -> None:
    assert 0 < len(risks(inspections)) < LIMIT


def test_every_reason_is_a_sentence(inspections: list[Inspection]) -> None:
    for risk in risks(inspections):
        assert len(risk.reason) >= SHORTEST_REASON, risk
        assert not risk.reason.endswith("."), risk  # the page adds the full stop


def test_nothing_is_accepted_for_a_whole_stack_stage_or_app(inspections: list[Inspection]) -> None:
    accepted = [entry for inspection in inspections for entry in inspection.accepted]

    assert accepted
    assert [entry for entry in accepted if entry.wide or entry.path.count("/") < 2] == []


def test_a_changed_reason_changes_the_page(inspections: list[Inspection]) -> None:
    first, *others = inspections
    changed = replace(first.accepted[0], reason="another reason that is long enough to be accepted")

    assert document([replace(first, accepted=(changed, *first.accepted[1:])), *others]) != document(inspections)
