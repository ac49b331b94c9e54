"""What a review is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paths import STATE

OUTPUT = STATE / "review"


@dataclass(frozen=True)
class Asked:
    """Which assemblies are compared, and where the report goes."""

    product: str
    base: str = ""
    """Branch, tag or commit to compare the working tree with."""
    before: Path | None = None
    """An assembly to compare `after` with, instead of a base and the working tree."""
    after: Path | None = None
    deployed: bool = False
    """Whether to say too what differs from what is deployed on AWS."""
    output: Path = OUTPUT
    full: str = ""
    """Where the whole report is, said in a comment that was cut."""
    labels: str = ""
    """The labels of the pull request, separated by commas."""
    trailers: bool = False
    """Whether trailers of commits may allow what the manifest forbids."""
