"""Compares what two cloud assemblies deploy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SUFFIXES = (".template.json", ".assets.json")


def differences(ours_folder: Path, theirs_folder: Path) -> list[str]:
    """Returns the templates and asset manifests that differ or exist on one side only."""
    ours, theirs = _documents(ours_folder), _documents(theirs_folder)
    missing = [f"only on one side: {name}" for name in sorted(ours.keys() ^ theirs.keys())]
    return missing + [f"differs: {name}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]]


def resources(assembly: Path) -> int:
    """Returns the number of resources in the templates of an assembly."""
    templates = (document for name, document in _documents(assembly).items() if name.endswith(_SUFFIXES[0]))
    return sum(len(template.get("Resources", {})) for template in templates)


def _documents(assembly: Path) -> dict[str, Any]:
    return {
        path.relative_to(assembly).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in assembly.rglob("*.json")
        if path.name.endswith(_SUFFIXES)
    }
