from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from slipway_cli.review.forbidden import Verdict, judge
from slipway_cli.review.markdown import LIMIT, mark, markdown
from slipway_cli.review.model import (
    Action,
    Broadening,
    Direction,
    Fate,
    Finding,
    Reach,
    Report,
    ResourceChange,
    Section,
    Severity,
    StackChange,
    UpdateBehaviour,
)
from slipway_cli.review.words import code, noun, property_name, value

DATABASE = ResourceChange(
    "production-shop-data",
    "Database/Instance",
    "Db",
    "AWS::RDS::DBInstance",
    Action.UPDATE,
    UpdateBehaviour.REPLACEMENT,
    stateful=True,
    fate=Fate.SNAPSHOT,
    words="database: engine `postgres` → `mysql`, **replacement**",
)
GROWS = Broadening("production-shop-data", "Role", "R", Reach.PERMISSION, Direction.GROWS, "`Role` may `s3:*`")
DATA = StackChange("production-shop-data", "production", Action.UPDATE, (DATABASE,), (GROWS,))
REPLACED = Finding("replace-stateful", Severity.DANGER, DATA.name, DATABASE.path, DATABASE.words, "copy it first")
REPORT = Report("shop", "main", (DATA,), (REPLACED,), (Section("Cost", "more", "production +$14.20/month"),))


def test_the_headline_summarizes_the_change_in_one_line() -> None:
    assert REPORT.headline == (
        "1 stack changes, **1 stateful resource is replaced or deleted**, **1 permission grows**, "
        "production +$14.20/month"
    )
    quiet = replace(DATABASE, stateful=False, fate=Fate.NONE)
    calm = replace(REPORT, stacks=(replace(DATA, resources=(quiet,), broadenings=()),))
    assert calm.headline == "1 stack changes, nothing stateful is replaced, production +$14.20/month"
    assert Report("shop", "main").headline == "nothing changes"


def test_the_comment_starts_with_its_mark_and_lists_findings_first() -> None:
    text = markdown(REPORT)

    assert text.startswith(f"{mark('shop')}\n## 1 stack changes")
    assert (
        text.index("### Data: replaced")
        < text.index("<summary>Cost</summary>")
        < text.index("production-shop-data</b>")
    )
    assert "*Copy it first.*" in text


def test_a_report_over_the_limit_is_cut_between_parts_and_names_the_full_report() -> None:
    stacks = tuple(
        replace(DATA, name=f"stack-{number}", resources=(replace(DATABASE, words="x" * 3000),)) for number in range(40)
    )
    text = markdown(replace(REPORT, stacks=stacks), full="artifact `review`")

    assert len(text) <= LIMIT
    assert text.count("<details>") == text.count("</details>")
    cut = re.search(
        r"Cut at GitHub's limit for comments: (\d+) parts are missing.\*\* The whole report: artifact", text
    )
    assert cut
    assert int(cut[1]) + text.count("<b>stack-") == 40
    assert "stack-39" in markdown(replace(REPORT, stacks=stacks), limit=10**7)


@given(st.integers(700, 3000), st.lists(st.text(max_size=300), max_size=12))
def test_no_report_is_longer_than_the_limit_and_none_ends_inside_a_fold(limit: int, words: list[str]) -> None:
    stacks = tuple(
        replace(DATA, name=f"s{i}", resources=(replace(DATABASE, words=code(word)),)) for i, word in enumerate(words)
    )
    text = markdown(replace(REPORT, stacks=stacks), limit=limit)

    assert len(text.encode("utf-16-le")) // 2 <= limit
    assert text.count("<details>") == text.count("</details>")


def test_what_is_forbidden_comes_first_and_is_never_cut() -> None:
    verdict = judge(REPORT, forbid={"replace-stateful"}, allowed={})
    text = markdown(REPORT, verdict=verdict, limit=600)

    assert verdict.forbidden == (REPLACED,)
    assert "The manifest forbids `replace-stateful`: 1 finding." in text
    assert "add the label `allow:replace-stateful`" in text
    assert text.index("forbids") < text.index("Cut at GitHub's limit")


def test_an_allowed_rule_names_who_allowed_it() -> None:
    verdict = judge(REPORT, forbid={"replace-stateful"}, allowed={"replace-stateful": "commit 0f1e2d3: copied"})

    assert verdict == Verdict((), {"replace-stateful": "commit 0f1e2d3: copied"})
    assert "allowed by `commit 0f1e2d3: copied`" in markdown(REPORT, verdict=verdict)


@pytest.mark.parametrize(
    "hostile", ["`@org/team`", "</details>", "<img src=x>", "a|b\n\n# heading", "[x](http://e)", "``` @org", "\\`@org"]
)
def test_a_value_of_a_template_is_plain_text_and_mentions_nobody(hostile: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).parse(f"- {value(hostile)} → {code(hostile)}")
    inline = [child for token in tokens for child in token.children or ()]

    assert {child.type for child in inline} == {"code_inline", "text"}
    assert [child.content for child in inline if child.type == "text"] == [" → "]


def test_what_looks_like_a_secret_is_not_shown() -> None:
    assert value("hunter2", "MasterUserPassword") == "(a secret, not shown)"
    assert value("ghp_" + "a1B2" * 9) == "(a secret, not shown)"
    assert value("{{resolve:secretsmanager:x}}", "MasterUserPassword") == "`{{resolve:secretsmanager:x}}`"


def test_names_of_a_template_are_plain_text_too() -> None:
    assert noun("Alarms/ops@allthrive.ai") == "`Alarms/ops@allthrive.ai`"
    assert noun("CeleryBeat/Service/Service") == "celery beat"
    assert property_name("ContainerDefinitions.web.Environment.DJANGO_SETTINGS_MODULE.Value") == (
        "`web` `DJANGO_SETTINGS_MODULE` value"
    )
    assert property_name("Tags.<b>.Value") == "`<b>` value"


def test_new_resources_without_data_share_one_line() -> None:
    new = replace(DATABASE, action=Action.ADD, stateful=False, path="A", words="a: new")
    text = markdown(replace(REPORT, stacks=(replace(DATA, resources=(new, replace(new, path="B"))),)))

    assert "- new: `A`, `B`\n" in text
