"""Whether two cloud assemblies would deploy the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SUFFIXES = (".template.json", ".assets.json")


def differences(before: Path, other: Path) -> list[str]:
    """Templates and asset manifests that differ, or stand on one side only; asset folders by their hashes in them."""
    ours, theirs = _documents(before), _documents(other)
    missing = [f"only on one side: {name}" for name in sorted(ours.keys() ^ theirs.keys())]
    return missing + [f"differs: {name}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]]


def resources(assembly: Path) -> int:
    """How many resources the templates of an assembly hold."""
    templates = (document for name, document in _documents(assembly).items() if name.endswith(_SUFFIXES[0]))
    return sum(len(template.get("Resources", {})) for template in templates)


def _documents(assembly: Path) -> dict[str, Any]:
    return {
        path.relative_to(assembly).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in assembly.rglob("*.json")
        if path.name.endswith(_SUFFIXES)
    }
