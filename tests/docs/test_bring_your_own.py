"""The page for people with a product of their own shows a manifest that loads, and the keys that the demo reads."""

from __future__ import annotations

import re

import pytest

from paths import ROOT
from products import load
from slipway_cli.demo.options import NAME, Options

PAGE = (ROOT / "docs" / "bring-your-own.md").read_text(encoding="utf-8")
MANIFEST = (ROOT / "products" / "examples" / "bookstall.yaml").read_text(encoding="utf-8")
LINES = [line for line in MANIFEST.splitlines() if line and not line.startswith("#")]


def test_the_page_shows_the_whole_manifest() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    assert shown.splitlines() == LINES


def test_the_manifest_of_the_project_has_at_most_25_lines_and_loads() -> None:
    assert len(LINES) <= 25
    assert load("bookstall").services.keys() == {"web", "celery", "beat"}


@pytest.mark.parametrize("key", list(Options.model_fields))
def test_each_key_of_the_demos_file_is_explained(key: str) -> None:
    table = PAGE.partition(NAME)[2]

    assert f"| `{key}` |" in table
