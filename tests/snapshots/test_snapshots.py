"""Every template is what was committed: what nobody thought to assert is seen in review."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.support.snapshots import FOLDER, expected, normalized
from tests.support.synthesis import PRODUCTS, ROOT

_LINES = 40  # of a difference, as much as a terminal shows


def difference(path: Path, text: str) -> str:
    """What a reader needs of a difference: its first lines, and what to type; empty when there is none."""
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = list(
        difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "synthesised", lineterm="", n=2)
    )
    if not lines:
        return ""
    more = [f"… {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return "\n".join([f"{name}: if this is meant, type `make snapshots` and commit it", *lines[:_LINES], *more])


@pytest.mark.parametrize("product", PRODUCTS)
def test_templates_are_the_committed_ones(product: str, update: bool) -> None:
    if update:
        for path, template in expected(product).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(template, encoding="utf-8")

    differences = [text for path, template in expected(product).items() if (text := difference(path, template))]
    if differences:
        pytest.fail("\n\n".join(differences), pytrace=False)


def test_no_snapshot_is_of_a_stack_that_is_gone(update: bool) -> None:
    gone = set(FOLDER.glob("*/*.json")) - {path for product in PRODUCTS for path in expected(product)}
    if update:
        for path in gone:
            path.unlink()

    assert [path for path in gone if path.exists()] == [], "type `make snapshots`"


def test_a_changed_template_shows_a_small_difference_and_what_to_type(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    path.write_text(normalized({"Resources": {"A": {"Type": "T", "Properties": {"Cpu": "512"}}}}))
    changed = normalized({"Resources": {"A": {"Type": "T", "Properties": {"Cpu": "1024"}}}})

    said = difference(path, changed)

    assert "make snapshots" in said
    assert [line.strip() for line in said.splitlines() if line[0] in "+-" and line[1] == " "] == [
        '-    "Cpu": "512"',
        '+    "Cpu": "1024"',
    ]


def test_a_changed_asset_is_no_difference() -> None:
    one, other = ({"Resources": {"F": {"S3Key": f"{digit * 64}.zip"}}} for digit in "ab")

    assert normalized(one) == normalized(other)
