"""The options of a review."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paths import STATE

OUTPUT = STATE / "review"


@dataclass(frozen=True)
class Options:
    """The assemblies to compare, and the destination of the report."""

    product: str
    base: str = ""
    """Branch, tag or commit to compare the working tree with."""
    before: Path | None = None
    """An assembly to compare `after` with, instead of a base and the working tree."""
    after: Path | None = None
    deployed: bool = False
    """True to compare also with the stacks deployed on AWS."""
    output: Path = OUTPUT
    full: str = ""
    """The address of the full report, printed in a shortened comment."""
    labels: str = ""
    """The labels of the pull request, separated by commas."""
    trailers: bool = False
    """True if commit trailers may allow what the manifest forbids."""
