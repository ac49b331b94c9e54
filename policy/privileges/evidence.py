"""What failed without a statement, in policy/privileges/evidence.json: written by tests, read by the page."""

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
_RIGHT = re.compile(r"\b[a-z0-9-]+:[A-Z]\w+")


def load() -> dict[Statement, str]:
    """By statement, what failed without it."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    return {Statement(role, name): said for role, statements in data.items() for name, said in statements.items()}


def record(found: Mapping[Statement, str], instead_of: Collection[Statement], shipped: Collection[Statement]) -> None:
    """Write what was seen of some statements in place of what was known of them, and forget those no longer there.

    Sorted, so that a diff shows what changed.
    """
    kept = {
        statement: said for statement, said in load().items() if statement in shipped and statement not in instead_of
    }
    nested: dict[str, dict[str, str]] = {}
    for statement, said in {**kept, **found}.items():
        nested.setdefault(statement.role, {})[statement.name] = said
    FILE.write_text(json.dumps(nested, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def shortly(said: str) -> str:
    """What failed, in a few words: the call that was refused, and the right it lacked."""
    denied, build, lacking = _DENIED.search(said), _BUILD.search(said), _RIGHT.search(said)
    if build is not None:
        return f"CodeBuild may not {build[1]}: {build[2]}"
    if denied is None:
        return f"the action is refused: {lacking[0]}" if lacking else said.splitlines()[0][:160]
    call, right = denied.groups()
    return f"{call} refused" if right.endswith(f":{call}") else f"{call} refused: {right}"
