"""docs/manifest.md describes each key and each platform variable."""

from products import load, reference
from products.checks import platform_variables


def test_the_page_is_up_to_date_with_the_model() -> None:
    now = reference.PAGE.read_text(encoding="utf-8")
    assert reference.page(now) == now, "stale: run `python -m products.reference`"


def test_the_page_names_every_platform_variable() -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    assert [name for name in sorted(platform_variables(load("allthrive"))) if f"| `{name}` |" not in text] == []
