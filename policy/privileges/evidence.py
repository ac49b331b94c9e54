"""Reads and writes evidence.json, the failures without each statement: tests write it, the page shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from policy.privileges.roles import Statement

FILE = Path(__file__).parent / "evidence.json"
_DENIED = re.compile(r"when calling the (\w+) operation.*?not authorized to perform: ([\w-]+:\w+)", re.DOTALL)
_BUILD = re.compile(
    r"AWS CodeBuild to (download the source|upload the \w+|write Amazon CloudWatch Logs).*?: ([a-z0-9-]+:[A-Z]\w+) on"
)
_ERROR = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation")
_PERMISSION = re.compile(r"\b[a-z0-9-]+:[A-Z]\w+")


def load() -> dict[Statement, str]:
    """Returns the failure without each statement."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    return {Statement(role, name): failure for role, statements in data.items() for name, failure in statements.items()}


def record(found: Mapping[Statement, str], instead_of: Collection[Statement], shipped: Collection[Statement]) -> None:
    """Replaces the evidence of some statements, and removes that of statements that no longer exist.

    The file is sorted, so that a diff shows what changed.
    """
    kept = {
        statement: failure
        for statement, failure in load().items()
        if statement in shipped and statement not in instead_of
    }
    nested: dict[str, dict[str, str]] = {}
    for statement, failure in {**kept, **found}.items():
        nested.setdefault(statement.role, {})[statement.name] = failure
    FILE.write_text(json.dumps(nested, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def summary(failure: str) -> str:
    """Returns a short text on a failure: the denied call and the missing permission."""
    denied, build, missing = _DENIED.search(failure), _BUILD.search(failure), _PERMISSION.search(failure)
    if build is not None:
        return f"CodeBuild may not {build[1]}: {build[2]}"
    if denied is None and missing:
        return f"the action is refused: {missing[0]}"
    if denied is None:
        error = _ERROR.search(failure)
        return f"{error[2]} refused: {error[1]}" if error else failure.strip().splitlines()[0][:160]
    call, permission = denied.groups()
    return f"{call} refused" if permission.endswith(f":{call}") else f"{call} refused: {permission}"
