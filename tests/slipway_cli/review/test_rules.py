from __future__ import annotations

from typing import get_args

from paths import ROOT
from products.review import Rule
from slipway_cli.review.rules import RULES


def test_the_manifest_takes_every_rule_and_no_other() -> None:
    assert set(get_args(Rule)) == set(RULES)


def test_the_page_names_every_rule_with_what_it_means() -> None:
    page = (ROOT / "docs" / "reviewing.md").read_text(encoding="utf-8")

    assert [rule for rule, means in RULES.items() if f"| `{rule}` | {means} |" not in page] == []
