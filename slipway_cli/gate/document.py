"""Writes docs/accepted-risks.md from the acceptances of the constructs: `python -m slipway_cli.gate.document`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from paths import ROOT
from slipway_cli.gate.accepted import PRODUCTS, declared
from slipway_cli.gate.findings import Inspection, Risk, risks

PATH = ROOT / "docs" / "accepted-risks.md"
_SHOWN = 3  # constructs of a row; the rest is a number
_HEAD = """\
# Accepted risks

<!-- Written by `make docs` from the constructs; edit the reasons there. -->

Findings of `make policy` that are accepted, each with the reason from the code of the construct. A row is one
decision, which applies to all constructs of its kind. `make policy` fails if a finding has no row, if a row has no
finding, and if there are {limit} rows or more. A rule that NIST, HIPAA and PCI share is listed once.
How it works: [ADR 13](adr/0013-one-gate-one-ledger.md).

{count} rows, on {constructs} constructs of {products}.

| declared in | rules | reason | constructs |
|---|---|---|---|
"""
LIMIT = 75
"""The number of risks that is too many for a reviewer: 60 for products on Fargate, and 15 that only hosts have."""


def document(inspections: Sequence[Inspection]) -> str:
    """Returns the page."""
    found = risks(inspections)
    head = _HEAD.format(
        limit=LIMIT,
        count=len(found),
        constructs=len({construct for risk in found for construct in risk.constructs}),
        products=" and ".join(inspection.product for inspection in inspections),
    )
    return head + "".join(f"{row}\n" for row in map(_row, found))


def _row(risk: Risk) -> str:
    reason = risk.reason[:1].upper() + risk.reason[1:]
    return f"| `{risk.declared}` | {', '.join(_names(risk.rules))} | {reason}. | {_places(risk.constructs)} |"


def _names(rules: Iterable[str]) -> Iterator[str]:
    """Yields the rules; a rule that the three audits share is listed once."""
    shared: dict[str, list[str]] = {}
    for rule in rules:
        pack, _, name = rule.partition("-")
        audit = {"NIST.800.53.R5": "NIST", "HIPAA.Security": "HIPAA", "PCI.DSS.321": "PCI"}.get(pack)
        shared.setdefault(name if audit else rule, []).extend([audit] if audit else [])
    for name, audits in sorted(shared.items()):
        yield f"`{name}` ({', '.join(sorted(audits))})" if audits else f"`{name}`"


def _places(constructs: Sequence[str]) -> str:
    paths = sorted({re.sub(r"^[^:]+: ", "", construct) for construct in constructs})
    shown = ", ".join(f"`{path}`" for path in paths[:_SHOWN])
    return shown + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")


def write(path: Path = PATH) -> None:
    """Writes the page for the shipped products."""
    path.write_text(document([declared(name) for name in PRODUCTS]), encoding="utf-8")


if __name__ == "__main__":
    write()
