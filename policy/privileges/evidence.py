"""What was seen of each statement, in policy/privileges/evidence.json: written by tests, read by the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy.privileges.roles import Roles, Statement

FILE = Path(__file__).parent / "evidence.json"
_DENIED = re.compile(r"when calling the (\w+) operation.*?not authorized to perform: ([\w-]+:\w+)", re.DOTALL)

_RIGHT = re.compile(r"\b[a-z-]+:[A-Z]\w+")


@dataclass(frozen=True)
class Evidence:
    """By statement, what failed without it, and what only it allowed in a run of the whole pipeline."""

    removed: dict[Statement, str]
    traced: dict[Statement, list[str]]

    def write(self) -> None:
        """Into the file, sorted, so that a diff shows what changed."""
        data = {
            "removed": _nested(self.removed),
            "traced": _nested(self.traced),
        }
        FILE.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load() -> Evidence:
    """What the file says."""
    data = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return Evidence(_flat(data.get("removed", {})), _flat(data.get("traced", {})))


def _nested(found: Mapping[Statement, Any]) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for statement, value in found.items():
        nested.setdefault(statement.role, {})[statement.name] = value
    return nested


def _flat(nested: Mapping[str, Mapping[str, Any]]) -> dict[Statement, Any]:
    return {Statement(role, name): value for role, each in nested.items() for name, value in each.items()}


def shortly(said: str) -> str:
    """What failed, in a few words: the call that was refused, and the right it lacked."""
    denied, lacking = _DENIED.search(said), _RIGHT.search(said)
    if denied is None:
        return f"the action is refused: {lacking[0]}" if lacking else said.splitlines()[0][:160]
    call, right = denied.groups()
    return f"{call} refused" if right.endswith(f":{call}") else f"{call} refused: {right}"


def traced(roles: Roles, decisions: Iterable[str]) -> dict[Statement, list[str]]:
    """From the local cloud's record of decisions: by statement the actions that it alone allowed."""
    found: dict[Statement, set[str]] = {}
    for line in decisions:
        asked = json.loads(line)
        kind = roles.kind_of(asked["role"])
        if kind and asked["allowed"] and len(asked["by"]) == 1:
            found.setdefault(Statement(kind, asked["by"][0]), set()).add(asked["action"])
    return {statement: sorted(actions) for statement, actions in found.items()}
