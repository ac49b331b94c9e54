"""The pages name only commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paths import ROOT
from tests.docs.test_runbook import pages

#: In backticks, in a shell block, or indented.
_MAKE = re.compile(r"(?:`|^ {4}|^)make ([a-z][a-z-]*)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z][a-z -]*):.*## ", re.MULTILINE)


def targets() -> set[str]:
    """Returns the targets that `make` lists; a target that only names its replacement is not one of them."""
    listed = _TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    return {name for names in listed for name in names.split()}


def current() -> list[Path]:
    """Returns the pages about the present: decisions and the changelog keep the commands of their time."""
    return [page for page in pages() if page.parent.name != "adr" and page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", current(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_targets_that_make_lists(page: Path) -> None:
    named = set(_MAKE.findall(page.read_text(encoding="utf-8")))

    assert named - targets() == set()
