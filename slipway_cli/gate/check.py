"""`slipway policy`: synthesizes, asks every tool, and says what nobody accepted, or ends well."""

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
    """What all tools find in a product."""
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
    asked: Sequence[Callable[[], Iterable[Finding]]] = (
        lambda: tools.cfn_lint(made),
        lambda: tools.policies(made),
        lambda: tools.checkov(folder, made),
    )
    more = [finding for ask in asked for finding in ask()]
    inspection = read(folder)
    return replace(inspection, findings=tuple(sorted({*inspection.findings, *more})))


def verdict(inspections: Sequence[Inspection], workflows: Sequence[Finding]) -> tuple[list[str], list[Risk]]:
    """What is wrong, in lines that a person can act on, and the risks that were accepted."""
    lines = [
        line
        for inspection in inspections
        for finding in inspection.refused()
        for line in _told(f"{inspection.product}: {finding.path}", finding, _ACCEPT)
    ]
    lines += [line for finding in workflows for line in _told(finding.path, finding, _MEND)]
    lines += [f"{each.product}: {sentence}" for each in inspections for sentence in each.wrong()]
    accepted = risks(inspections)
    if len(accepted) >= LIMIT:
        lines.append(
            f"{len(accepted)} accepted risks; {LIMIT} are more than a reviewer reads: mend some in the templates"
        )
    return lines, accepted


_ACCEPT = 'mend it there; or, where it is right, beside its construct: accept(self, "<why>", "{rule}")'
_MEND = "mend it there; workflows accept nothing"


def _told(place: str, finding: Finding, way_out: str) -> list[str]:
    return [
        place,
        f"    {finding.rule} ({finding.tool}): {finding.message}",
        f"    {way_out.format(rule=finding.rule)}",
    ]


def run(products: Sequence[str] = PRODUCTS) -> int:
    """Ask, tell, and end with 0, 1 (something is refused) or 2 (a tool failed)."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="slipway-gate-") as folder, ThreadPoolExecutor(max_workers=2) as pool:
        try:
            inspections = list(pool.map(lambda each: inspected(each, Path(folder) / each), products))
            workflows = list(tools.workflows())
        except tools.ToolError as error:
            raise CommandError(str(error), exit_code=2) from None
    wrong, accepted = verdict(inspections, workflows)
    print("\n".join(wrong), end="\n" if wrong else "")
    constructs = sum(len(each.constructs) for each in accepted)
    covered = sum(each.findings for each in accepted)
    said = "refused" if wrong else "nothing to refuse"
    print(
        f"{', '.join(products)}: {said}. {len(accepted)} accepted risks (below {LIMIT}), on {constructs} constructs, "
        f"cover {covered} findings: {PATH.relative_to(ROOT)}. {time.monotonic() - started:.0f} s"
    )
    return 1 if wrong else 0
