"""docs/manifest.md names every key and every platform variable."""

from products import reference
from products.checks import PLATFORM_VARIABLES


def test_the_page_is_what_the_model_says() -> None:
    now = reference.PAGE.read_text(encoding="utf-8")
    assert reference.page(now) == now, "stale: run `python -m products.reference`"


def test_the_page_names_every_platform_variable() -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    assert [name for name in sorted(PLATFORM_VARIABLES) if f"| `{name}` |" not in text] == []
