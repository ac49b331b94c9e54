"""docs/profiles.md shows what the profiles set."""

from products import profile_table


def test_the_page_is_fresh() -> None:
    now = profile_table.PAGE.read_text(encoding="utf-8")
    assert profile_table.page(now) == now, "stale: run `python -m products.profile_table`"
