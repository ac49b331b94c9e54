"""Compares findings with what a test expects."""

from __future__ import annotations

from collections.abc import Iterable

from slipway_cli.doctor.model import Finding
from slipway_cli.doctor.registry import CHECKS
from slipway_cli.doctor.scene import Check


def check(name: str) -> Check:
    """Returns a check by its name."""
    return next(found for found in CHECKS if found.name == name)


def ok(findings: Iterable[Finding]) -> dict[str, str]:
    """Returns what good findings say, by their names; nothing may be missing or unknown."""
    found = list(findings)
    assert [finding for finding in found if finding.result != "ok"] == []
    return {finding.check: finding.detail for finding in found}


def missing(findings: Iterable[Finding]) -> Finding:
    """Returns the only bad finding; it says what to do."""
    [found] = [finding for finding in findings if finding.result != "ok"]
    assert found.result == "missing"
    assert found.fix
    return found
