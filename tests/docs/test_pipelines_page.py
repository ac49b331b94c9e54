"""docs/pipelines.md shows the pipelines that are built."""

from __future__ import annotations

import re

import pytest

from products import document, drawing, load, product_names
from products.flows import Delivery, deliveries
from tests.support.snapshots import FOLDER as SNAPSHOTS

PIPELINES = [each for name in product_names() for each in deliveries(load(name))]
# What every Mermaid of the last years reads: plain ids, labels in quotes, nothing else.
LABEL = r'"[^"]+"'
LINE = re.compile(
    rf"flowchart TB|  subgraph s\d+\[{LABEL}\]|    direction (TB|LR)|  end"
    rf"|    s\d+a\d+(\[{LABEL}\]|\{{\{{{LABEL}\}}\}})|    s\d+a\d+ --> s\d+a\d+"
    rf"|  (start|back\d+)\(\[{LABEL}\]\)|  (start|s\d+) --> s\d+|  s\d+ -\.-> back\d+"
    r"|  classDef gate stroke-width:3px,stroke-dasharray:4 3|  class (s\d+a\d+,?)+ gate"
)


def test_the_page_is_what_the_manifests_say() -> None:
    now = document.PAGE.read_text(encoding="utf-8")
    assert document.page(now) == now, "stale: run `make docs`"


def test_the_page_has_a_head_that_the_program_leaves_alone() -> None:
    assert document.page(f"by hand\n{document.BEGIN}\nold\n{document.END}\nfoot").startswith("by hand\n")
    assert document.page(f"head\n{document.BEGIN}\nold\n{document.END}\nfoot").endswith("\nfoot")


@pytest.mark.parametrize("flow", PIPELINES, ids=lambda flow: flow.pipeline)
def test_a_diagram_keeps_to_what_every_mermaid_reads(flow: Delivery) -> None:
    strange = [line for line in document.diagram(flow).splitlines() if not LINE.fullmatch(line)]
    assert strange == []


@pytest.mark.parametrize("flow", PIPELINES, ids=lambda flow: flow.pipeline)
def test_a_diagram_shows_every_action_once_and_every_rollback(flow: Delivery) -> None:
    text = document.diagram(flow)
    assert len(re.findall(r"^    s\d+a\d+[\[{]", text, re.MULTILINE)) == sum(
        len(stage.actions) for stage in flow.stages
    )
    assert text.count("-.->") == sum(stage.rolls_back for stage in flow.stages)


def test_a_label_may_hold_any_text() -> None:
    assert drawing.quoted('a "b" <c> #d') == '"a #quot;b#quot; #lt;c#gt; #35;d"'


def test_every_role_of_the_page_is_one_that_an_environment_grants() -> None:
    told = set(re.findall(r"`([a-z-]+-pipeline-[a-z]+)`", document.written()))
    granted = {
        name
        for path in SNAPSHOTS.rglob("*-access.yaml")
        for name in re.findall(r"^      RoleName: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert told == granted
