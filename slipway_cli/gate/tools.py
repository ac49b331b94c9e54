"""Runs external tools on the templates, their policies and the GitHub workflows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from paths import ROOT
from slipway_cli.gate.assembly import Template, roles
from slipway_cli.gate.escalation import escalations
from slipway_cli.gate.findings import Finding

TOOLS = ROOT / ".venv-policy" / "bin"
"""Tools whose dependencies conflict with those of Slipway: requirements-policy.txt."""
WORKFLOWS = Path(".github")


class ToolError(Exception):
    """A tool could not be run, or its output is unusable."""


def checkov(folder: Path, templates: Sequence[Template]) -> Iterator[Finding]:
    """Yields the findings of Checkov on the assembly."""
    answer = _json(
        [str(TOOLS / "checkov"), "--directory", str(folder), "--framework", "cloudformation", "--skip-download",
         "--compact", "--quiet", "--output", "json"], good=(0, 1)
    )  # fmt: skip
    by_file = {f"/{template.file.relative_to(folder)}": template for template in templates}
    for report in answer if isinstance(answer, list) else [answer]:
        for found in report.get("results", {}).get("failed_checks", []):
            template = by_file[found["file_path"]]
            kind, _, logical_id = found["resource"].rpartition(".")
            yield Finding("checkov", found["check_id"], template.path(logical_id), f"{found['check_name']} ({kind})")


def cfn_lint(templates: Sequence[Template]) -> Iterator[Finding]:
    """Yields the findings of cfn-lint on the templates, with all rules."""
    by_file = {str(template.file): template for template in templates}
    tool = str(Path(sys.executable).parent / "cfn-lint")
    answer = _json([tool, "--format", "json", "--config-file", "/dev/null", *by_file], good=range(16))
    for found in answer:
        template = by_file[found["Filename"]]
        where = found["Location"]["Path"] or []
        logical_id = str(where[1]) if len(where) > 1 and where[0] in ("Resources", "Outputs", "Parameters") else ""
        yield Finding("cfn-lint", found["Rule"]["Id"], template.path(logical_id), found["Message"])


def policies(templates: Sequence[Template]) -> Iterator[Finding]:
    """Yields privilege escalations and mistakes in the policies of each role."""
    documents = {path: document for template in templates for path, document in roles(template).items()}
    for path, document in documents.items():
        for rule, actions in escalations(document):
            message = f"{actions} lets this role act as another one; split the permissions, or name the resources"
            yield Finding("escalation", rule, path, message)
    program = [str(TOOLS / "python"), str(Path(__file__).with_name("iam_tools.py"))]
    for found in _json(program, good=(0,), given=json.dumps(documents)):
        yield Finding(found["tool"], found["rule"], found["name"], found["message"])


def workflows(root: Path = ROOT) -> Iterator[Finding]:
    """Yields the findings of zizmor on the GitHub workflows, if there are any; their paths are files."""
    if not any((root / WORKFLOWS).glob("**/*.y*ml")):
        return
    tool = str(Path(sys.executable).parent / "zizmor")
    options = ["--offline", "--persona", "pedantic", "--no-progress", "--no-exit-codes", "--format", "json"]
    for found in _json([tool, *options, str(root / WORKFLOWS)], good=(0,)):
        place = next(location for location in found["locations"] if location["symbolic"]["kind"] == "Primary")
        file = Path(place["symbolic"]["key"]["Local"]["verbatim_path"])
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        shown = f"{file.relative_to(root) if file.is_relative_to(root) else file}:{line}"
        yield Finding("zizmor", found["ident"], shown, f"{found['desc']}: {place['symbolic']['annotation']}")


def _json(program: Sequence[str], *, good: Sequence[int], given: str | None = None) -> Any:
    name = Path(program[0]).name
    try:
        done = subprocess.run(program, input=given, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ToolError(f"{name} is not installed; type `make policy`, which installs it") from None
    if done.returncode not in good:
        raise ToolError(f"{name} failed with exit code {done.returncode}:\n{(done.stderr or done.stdout)[-2000:]}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise ToolError(f"{name} did not return JSON:\n{done.stdout[-500:]}\n{done.stderr[-500:]}") from None
