"""`slipway policy`: synthesizes, runs every tool, and reports findings that are not accepted."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from paths import ROOT
from slipway_cli.errors import CommandError
from slipway_cli.gate import tools
from slipway_cli.gate.accepted import PRODUCTS
from slipway_cli.gate.assembly import templates
from slipway_cli.gate.document import LIMIT, PATH
from slipway_cli.gate.findings import Finding, Inspection, Risk, risks
from slipway_cli.gate.synthesis import read


def inspected(product: str, folder: Path) -> Inspection:
    """Returns the findings of all tools in a product.

    Raises:
        ToolError: if the product cannot be synthesized, or a tool fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "slipway_cli.gate.synthesis", product, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise tools.ToolError(f"{product} cannot be synthesized:\n{done.stderr[-2000:]}")
    made = templates(folder)
    scans: Sequence[Callable[[], Iterable[Finding]]] = (
        lambda: tools.cfn_lint(made),
        lambda: tools.policies(made),
        lambda: tools.checkov(folder, made),
    )
    more = [finding for scan in scans for finding in scan()]
    inspection = read(folder)
    return replace(inspection, findings=tuple(sorted({*inspection.findings, *more})))


def verdict(inspections: Sequence[Inspection], workflows: Sequence[Finding]) -> tuple[list[str], list[Risk]]:
    """Returns the lines that report what is wrong and how to correct it, and the accepted risks."""
    lines = [
        line
        for inspection in inspections
        for finding in inspection.refused()
        for line in _lines(f"{inspection.product}: {finding.path}", finding, _ACCEPT)
    ]
    lines += [line for finding in workflows for line in _lines(finding.path, finding, _MEND)]
    lines += [f"{inspection.product}: {sentence}" for inspection in inspections for sentence in inspection.wrong()]
    accepted = risks(inspections)
    if len(accepted) >= LIMIT:
        lines.append(
            f"{len(accepted)} accepted risks; a reviewer reads fewer than {LIMIT}: correct some in the templates"
        )
    return lines, accepted


_ACCEPT = 'correct it there; or, if it is right, write beside its construct: accept(self, "<why>", "{rule}")'
_MEND = "correct it there; findings in workflows cannot be accepted"


def _lines(place: str, finding: Finding, way_out: str) -> list[str]:
    return [
        place,
        f"    {finding.rule} ({finding.tool}): {finding.message}",
        f"    {way_out.format(rule=finding.rule)}",
    ]


def run(products: Sequence[str] = PRODUCTS) -> int:
    """Run all tools and print their findings; returns 1 if something is refused. A failed tool has exit code 2."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="slipway-gate-") as folder, ThreadPoolExecutor(max_workers=2) as pool:
        try:
            inspections = list(pool.map(lambda product: inspected(product, Path(folder) / product), products))
            workflows = list(tools.workflows())
        except tools.ToolError as error:
            raise CommandError(str(error), exit_code=2) from None
    wrong, accepted = verdict(inspections, workflows)
    print("\n".join(wrong), end="\n" if wrong else "")
    constructs = sum(len(risk.constructs) for risk in accepted)
    covered = sum(risk.findings for risk in accepted)
    result = "refused" if wrong else "nothing to refuse"
    print(
        f"{', '.join(products)}: {result}. {len(accepted)} accepted risks (below {LIMIT}), on {constructs} constructs, "
        f"cover {covered} findings: {PATH.relative_to(ROOT)}. {time.monotonic() - started:.0f} s"
    )
    return 1 if wrong else 0
