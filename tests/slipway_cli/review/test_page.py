from __future__ import annotations

from paths import ROOT
from tests.slipway_cli.review.pairs import pairs


def test_the_page_lists_every_disagreement_with_cdk_diff_and_counts_the_rest() -> None:
    page = (ROOT / "docs" / "reviewing.md").read_text(encoding="utf-8")
    table = page[page.index("## Compared with cdk diff") : page.index("## Forbid")]
    rows = pairs()
    apart = [row for row in rows if row.cdk]

    assert [row.name for row in apart if row.name not in table or row.cdk["because"] not in table] == []
    assert f"the {len(rows)} pairs" in table
    assert f"agrees on {len(rows) - len(apart)}." in table
