"""Prints findings: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from slipway_cli.doctor.model import Finding, Place
from slipway_cli.texts import plain

Found = Mapping[Place, Sequence[Finding]]


def table(found: Found) -> Iterable[str]:
    """Yields the lines of a table, one for each finding, grouped by account and region."""
    findings = [finding for group in found.values() for finding in group]
    width = max((len(finding.check) for finding in findings), default=0)
    for place, group in found.items():
        yield f"account {place.account}, {place.region}: {', '.join(place.parts)}"
        for finding in group:
            fix = f"; next: {finding.fix}" if finding.fix else ""
            yield f"  {finding.check:<{width}}  {finding.result:<7}  {plain(finding.detail)}{plain(fix)}"
        yield ""
    yield summary(findings)


def summary(findings: Sequence[Finding]) -> str:
    """Returns one line that counts the findings."""
    missing = sum(finding.result == "missing" for finding in findings)
    unknown = sum(finding.result == "unknown" for finding in findings)
    if not missing and not unknown:
        return f"nothing is missing ({len(findings)} checks)"
    return f"{missing} missing, {unknown} unknown, {len(findings) - missing - unknown} ok"


def as_json(found: Found) -> str:
    """Returns the findings as JSON: a list of places, each with its list of findings."""
    places = [{**asdict(place), "findings": [asdict(finding) for finding in group]} for place, group in found.items()]
    return json.dumps({"places": places}, indent=2)
