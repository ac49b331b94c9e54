"""Reads the names in files with variables, such as `.env`. Their values are never used: they may be secret."""

from __future__ import annotations

import re

from slipway_cli.init import known
from slipway_cli.init.tree import Place, Tree

EXAMPLES = (
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    "env.example",
    "example.env",
    ".env.production.example",
)
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=")


def names(tree: Tree, path: str) -> dict[str, Place]:
    """Returns the names of the variables in a file, each with its place; none if there is no such file."""
    found: dict[str, Place] = {}
    for number, text in enumerate((tree.text(path) or "").splitlines(), start=1):
        match = _LINE.match(text)
        if match and known.is_name(match[1]):
            found.setdefault(match[1], Place(path, number))
    return found
