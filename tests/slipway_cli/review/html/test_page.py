"""The page shows the complete report, and no text of a template can attack its reader."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.html.page import Sides, page
from slipway_cli.review.model import Action, Finding, Report, Section, Severity, StackChange

EVIL = '<script>alert(1)</script><img src=x onerror=alert(1)>[a](javascript:alert(1))![b](https://evil.example/b.png)"'
_VOID = {"meta", "br", "img", "link", "input", "hr"}


class Tags(HTMLParser):
    """Collects the tags of a page, and checks that each is closed in the right place."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> set[str]:
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    return parser.seen


def test_the_page_is_well_formed_and_loads_nothing(html: str) -> None:
    assert not tags(html) & {"script", "img", "link", "iframe", "object", "form"}
    assert set(re.findall(r"https?://[^\"' <)]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html


def test_the_page_says_what_the_comment_says(html: str, report: Report) -> None:
    assert report.headline.replace("**", "").split(", ")[-1] in html
    for finding in report.findings:
        assert f"<code>{finding.stack}</code>" in html
    for stack in report.stacks:
        assert f"<b>{stack.name}</b>" in html


def test_the_page_shows_the_verdict(html: str) -> None:
    assert "<b>The manifest forbids <code>weaken-protection</code></b>" in html
    assert "add the label <code>allow:weaken-protection</code>" in html
    assert "allowed by <code>label allow:broaden-iam</code>" in html


def test_the_page_shows_cost_before_and_after_with_assumptions(html: str) -> None:
    cost = html[html.index('<section id="cost">') : html.index('<section id="diagrams">')]

    assert "1 task of 0.5 vCPU, 1 GB (arm64)" in cost
    assert "1 task of 1 vCPU, 2 GB (arm64)" in cost
    assert "hours in a month" in cost
    assert "NAT gateway" in cost


def test_a_changed_diagram_comes_first_with_its_previous_version(html: str) -> None:
    diagrams = html[html.index('<section id="diagrams">') :]

    assert "staging <b>changes</b>" in diagrams
    assert "staging before the change" in diagrams
    assert diagrams.count("<svg") == 2
    assert diagrams.index("1 NAT instance") < diagrams.index("1 NAT gateway")


def test_markup_in_a_template_is_escaped() -> None:
    stack = Stack(EVIL, EVIL, "1", "us-east-1", {"Resources": {"A": {"Type": EVIL}}}, {"A": EVIL})
    change = StackChange(EVIL, EVIL, Action.UPDATE)
    finding = Finding("broaden-iam", Severity.DANGER, EVIL, EVIL, EVIL, EVIL)
    evil = Section(EVIL, f"{EVIL}\n\n<details><summary>{EVIL}</summary>\n\n{EVIL}\n\n</details>")
    report = Report(EVIL, EVIL, (change,), (finding,), (evil,), (EVIL,), (EVIL,))

    html = page(report, Sides(Assembly(()), Assembly((stack,))))

    assert not tags(html) & {"script", "img"}
    assert '<a href="javascript' not in html
    assert not re.findall(r"<[^>]*\son\w+=", html)


def test_the_page_says_that_nothing_changes(sides: Sides) -> None:
    html = page(Report("allthrive", "main"), Sides(sides.after, sides.after))

    assert "<h1>Nothing changes</h1>" in html
    assert "No data is lost, no permission grows, no network opens." in html
    assert "no change" in html


def test_the_page_includes_the_comparison_with_the_deployed_stacks(sides: Sides) -> None:
    folds = "- **one**\n\n<details><summary><b>stack</b>: 1 changed</summary>\n\n- web: CPU `1` → `2`\n\n</details>"
    report = Report(
        "allthrive",
        "main",
        sections=(Section("Compared with the deployed stacks: nothing changes", folds),),
        warnings=("made by another CDK",),
    )

    html = page(report, Sides(sides.after, sides.after))

    tags(html)
    assert "<h4>stack: 1 changed</h4>" in html
    assert "<li>web: CPU <code>1</code> → <code>2</code></li>" in html
    assert "Made by another CDK." in html
