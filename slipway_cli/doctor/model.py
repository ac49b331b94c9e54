"""The findings of `slipway doctor`, independent of AWS and of how they are printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "missing", "unknown"]
TOOLING = "tooling"
"""The part of a product that is no environment: registry, GitHub roles, pipelines."""


@dataclass(frozen=True)
class Finding:
    """The result of a check for one resource."""

    check: str
    """The resource, e.g. `secret allthrive/github`."""
    result: Result
    """`missing` if a deployment or the product would fail; `unknown` if AWS did not answer the question."""
    detail: str
    """One sentence or value without a full stop at its end."""
    fix: str = ""
    """The command to type, or the line to write into the manifest."""


@dataclass(frozen=True)
class Place:
    """An account and region, and the parts of the product there."""

    account: str
    region: str
    parts: tuple[str, ...]
    """`tooling` and names of environments."""


def ok(check: str, detail: str) -> Finding:
    """Returns a finding that needs nothing."""
    return Finding(check, "ok", detail)


def missing(check: str, detail: str, fix: str) -> Finding:
    """Returns a finding that somebody must fix."""
    return Finding(check, "missing", detail, fix)


def unknown(check: str, detail: str, fix: str = "") -> Finding:
    """Returns a finding about a question that AWS did not answer."""
    return Finding(check, "unknown", detail, fix)


def exit_code(findings: Iterable[Finding]) -> int:
    """Returns 1 if something is missing, else 2 if something is unknown, else 0."""
    results = {finding.result for finding in findings}
    return 1 if "missing" in results else 2 if "unknown" in results else 0
