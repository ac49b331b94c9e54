"""docs/pipelines.md shows the pipelines of the manifests."""

from __future__ import annotations

import re

import pytest

from products import document, drawing, load, product_names
from products.flows import Delivery, deliveries
from tests.support.snapshots import FOLDER as SNAPSHOTS

PIPELINES = [delivery for name in product_names() for delivery in deliveries(load(name))]
# A syntax that all recent versions of Mermaid support: plain ids and quoted labels.
LABEL = r'"[^"]+"'
LINE = re.compile(
    rf"flowchart TB|  subgraph s\d+\[{LABEL}\]|    direction (TB|LR)|  end"
    rf"|    s\d+a\d+(\[{LABEL}\]|\{{\{{{LABEL}\}}\}})|    s\d+a\d+ --> s\d+a\d+"
    rf"|  (start|back\d+)\(\[{LABEL}\]\)|  (start|s\d+) --> s\d+|  s\d+ -\.-> back\d+"
    r"|  classDef gate stroke-width:3px,stroke-dasharray:4 3|  class (s\d+a\d+,?)+ gate"
)


def test_the_page_is_up_to_date_with_the_manifests() -> None:
    now = document.PAGE.read_text(encoding="utf-8")
    assert document.page(now) == now, "stale: run `make docs`"


def test_the_handwritten_parts_of_the_page_are_kept() -> None:
    assert document.page(f"by hand\n{document.BEGIN}\nold\n{document.END}\nfoot").startswith("by hand\n")
    assert document.page(f"head\n{document.BEGIN}\nold\n{document.END}\nfoot").endswith("\nfoot")


@pytest.mark.parametrize("flow", PIPELINES, ids=lambda flow: flow.pipeline)
def test_a_diagram_uses_only_widely_supported_mermaid(flow: Delivery) -> None:
    unsupported = [line for line in document.diagram(flow).splitlines() if not LINE.fullmatch(line)]
    assert unsupported == []


@pytest.mark.parametrize("flow", PIPELINES, ids=lambda flow: flow.pipeline)
def test_a_diagram_shows_every_action_once_and_every_rollback(flow: Delivery) -> None:
    text = document.diagram(flow)
    assert len(re.findall(r"^    s\d+a\d+[\[{]", text, re.MULTILINE)) == sum(
        len(stage.actions) for stage in flow.stages
    )
    assert text.count("-.->") == sum(stage.rolls_back for stage in flow.stages)


def test_a_label_may_contain_any_text() -> None:
    assert drawing.quoted('a "b" <c> #d') == '"a #quot;b#quot; #lt;c#gt; #35;d"'


def test_every_role_of_the_page_exists_in_an_environment() -> None:
    mentioned = set(re.findall(r"`([a-z-]+-pipeline-[a-z]+)`", document.written()))
    granted = {
        name
        for path in SNAPSHOTS.rglob("*-access.yaml")
        for name in re.findall(r"^      RoleName: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert mentioned == granted
