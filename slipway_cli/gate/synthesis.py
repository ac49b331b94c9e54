"""Synthesizes a product with all cdk-nag packs, and writes the findings into a folder."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag

from policy.guard import guard_rules
from products import load
from slipway_cli.gate.accepted import accepted, recording
from slipway_cli.gate.findings import Accepted, Finding, Inspection
from stacks.product import add_product, feature_flags

PACKS: Mapping[str, Any] = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "NIST.800.53.R5": cdk_nag.NIST80053R5Checks,
    "HIPAA.Security": cdk_nag.HIPAASecurityChecks,
    "PCI.DSS.321": cdk_nag.PCIDSS321Checks,
    "Serverless": cdk_nag.ServerlessChecks,
}
_REPORTED = {"error", "fatal", "warning"}
_RESULT = "findings.json"


def inspect(name: str, fill: Callable[[cdk.App], object], folder: Path) -> Inspection:
    """Synthesizes the app that `fill` builds, and returns its findings instead of failing."""
    context = {**feature_flags(), "@aws-cdk/core:failSynthOnValidationErrors": False}
    app = cdk.App(context=context, outdir=str(folder))
    cdk.Validations.of(app).add_plugins(guard_rules(), *(pack(app, verbose=True) for pack in PACKS.values()))
    with recording() as ledger:
        fill(app)
        given = accepted(ledger)
    app.synth()
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return Inspection(name, tuple(sorted(set(_findings(report)))), given)


def _findings(report: Mapping[str, Any]) -> Iterator[Finding]:
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            if violation.get("severity") not in _REPORTED:
                continue
            for construct in violation["violatingConstructs"]:
                yield Finding(
                    plugin["pluginName"],
                    violation["ruleName"],
                    construct.get("constructPath") or "",
                    violation["description"],
                )


def write(inspection: Inspection, folder: Path) -> None:
    """Writes an inspection into the folder of the assembly."""
    (folder / _RESULT).write_text(json.dumps(dataclasses.asdict(inspection)), encoding="utf-8")


def read(folder: Path) -> Inspection:
    """Reads the inspection that `write` wrote."""
    found = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
    return Inspection(
        found["product"],
        tuple(Finding(**finding) for finding in found["findings"]),
        tuple(Accepted(**{**entry, "rules": tuple(entry["rules"])}) for entry in found["accepted"]),
    )


if __name__ == "__main__":
    product, out = sys.argv[1], Path(sys.argv[2])
    write(inspect(product, lambda app: add_product(app, load(product)), out), out)
