"""docs/architecture.md and docs/diagrams match the synthesized templates."""

from __future__ import annotations

import re

import pytest

from products import load
from slipway_cli.review.assembly import read
from slipway_cli.review.diagrams.page import DOCS, files
from tests.support.synthesis import PRODUCTS, shipped

LABEL = r'"[^"]+"'
# A syntax that all recent versions of Mermaid support: plain ids and quoted labels.
LINE = re.compile(
    rf"flowchart TB| +subgraph \w+\[{LABEL}\]| +direction (TB|LR)| +end"
    rf"| +\w+(\[{LABEL}\]|\(\[{LABEL}\]\)|\[\({LABEL}\)\])| +\w+ -->(\|{LABEL}\|)? \w+"
)


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    """Returns the expected content of the files by their path below docs."""
    products = {name: (shipped(name).product.description, read(shipped(name).folder)) for name in PRODUCTS}
    return {str(path.relative_to(DOCS)): text for path, text in files(products).items()}


def test_the_page_and_the_diagrams_are_up_to_date(wanted: dict[str, str]) -> None:
    stale = [name for name, text in wanted.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]

    assert stale == [], "stale: run `make docs`"


def test_no_diagram_is_left_over(wanted: dict[str, str]) -> None:
    present = {str(path.relative_to(DOCS)) for path in (DOCS / "diagrams").iterdir()}

    assert present - set(wanted) == set(), "run `make docs`"


def test_diagrams_use_only_widely_supported_mermaid(wanted: dict[str, str]) -> None:
    blocks = re.findall(r"```mermaid\n(.*?)```", wanted["architecture.md"], re.DOTALL)

    assert len(blocks) == sum(len(load(product).environments) for product in PRODUCTS)
    assert [line for block in blocks for line in block.splitlines() if not LINE.fullmatch(line)] == []


def test_an_svg_is_self_contained(wanted: dict[str, str]) -> None:
    for name, text in wanted.items():
        if name.endswith(".svg"):
            assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
            assert "<script" not in text
