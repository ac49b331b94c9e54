"""Each alarm has its heading in the runbook."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from paths import ROOT
from products import load, product_names
from stacks.product import add_environments

RUNBOOK = ROOT / "docs" / "runbook.md"


def headings(page: Path) -> set[str]:
    """Returns the anchors of a page, in GitHub's format."""
    lines = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL).splitlines()
    titles = [line.lstrip("#").strip() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@cache
def alarm_descriptions(product: str) -> dict[str, str]:
    app = cdk.App()
    found: dict[str, str] = {}
    for stage in add_environments(app, load(product)).values():
        for stack in stage.node.children:
            if isinstance(stack, cdk.Stack):
                alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
                found |= {key: alarm["Properties"]["AlarmDescription"] for key, alarm in alarms.items()}
    return found


@pytest.mark.parametrize("product", product_names())
def test_every_alarm_links_to_an_existing_heading(product: str) -> None:
    alarms = alarm_descriptions(product)
    assert alarms
    anchors = {description.rpartition("#")[2] for description in alarms.values()}
    assert anchors - headings(RUNBOOK) == set()


def pages() -> list[Path]:
    folders = [
        ROOT,
        ROOT / "localcloud",
        ROOT / "localcloud" / "docs",
        ROOT / "policy" / "execution",
        ROOT / "examples" / "allthrive",
    ]
    return [*(ROOT / "docs").rglob("*.md"), *(page for folder in folders for page in folder.glob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_are_not_broken(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if ":" in path:
            continue
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in headings(other)):
            broken.append(target)
    assert broken == []
