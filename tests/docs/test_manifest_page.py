"""docs/manifest.md describes each key, each reference, and each variable of Slipway's own set."""

from products import reference
from products.variables import PARTS, default_variables


def test_the_page_is_up_to_date_with_the_model() -> None:
    now = reference.PAGE.read_text(encoding="utf-8")
    assert reference.page(now) == now, "stale: run `python -m products.reference`"


def test_the_page_names_every_default_variable_with_its_value() -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    rows = [f"| `{name}` | `{value}` |" for name, value in default_variables(PARTS).items()]
    assert [row for row in rows if row not in text] == []
