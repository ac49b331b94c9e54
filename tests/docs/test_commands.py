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


def targets(page: Path = ROOT / "README.md") -> set[str]:
    """Returns the targets that `make` lists in the repository, and in the page's own folder.

    A target that only names its replacement is not one of them.
    """
    makefiles = [makefile for folder in {ROOT, page.parent} if (makefile := folder / "Makefile").exists()]
    listed = [found for makefile in makefiles for found in _TARGET.findall(makefile.read_text(encoding="utf-8"))]
    return {name for names in listed for name in names.split()}


def current() -> list[Path]:
    """Returns the pages about the present: decisions and the changelog keep the commands of their time."""
    return [page for page in pages() if page.parent.name != "adr" and page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", current(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_targets_that_make_lists(page: Path) -> None:
    named = set(_MAKE.findall(page.read_text(encoding="utf-8")))

    assert named - targets(page) == set()
