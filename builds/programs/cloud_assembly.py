"""A cloud assembly, the folder that `cdk synth` writes: its digest and its stacks. Standard library only.

python3 cloud_assembly.py FOLDER            prints the digest
python3 cloud_assembly.py FOLDER DIGEST     exits with 1 if the folder has another digest
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stack:
    """A stack of the assembly."""

    name: str
    """The CloudFormation name."""
    path: str
    """The construct's path, by which the CDK CLI selects it: `staging/Data`."""
    digest: str
    """The digest of its template."""
    paths: Mapping[str, str]
    """The construct's path of each logical id."""
    defaults: Mapping[str, str]
    """The default of each parameter that has one."""


def digest(folder: Path) -> str:
    """Returns a SHA-256 of the names and contents of all files of a folder.

    The folder's own hidden files are left out: the CDK writes none, and a build's agent may leave some.
    """
    total = hashlib.sha256()
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in names:
        if not name.startswith("."):
            content = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            total.update(f"{content} {name}\n".encode())
    return total.hexdigest()


def template_digest(template: object) -> str:
    """Returns a SHA-256 of a template as data, so that the form in which CloudFormation returns it has no effect."""
    return hashlib.sha256(json.dumps(template, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def stacks(folder: Path, target: str) -> list[Stack]:
    """Returns the stacks of a stage of the CDK, e.g. `staging`."""
    return [stack for stack in _stacks(folder) if stack.path.partition("/")[0] == target]


def _stacks(folder: Path) -> Iterator[Stack]:
    for artifact_id, artifact in _read(folder / "manifest.json").get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(folder / properties["directoryName"])
        if artifact["type"] == "aws:cloudformation:stack":
            template = _read(folder / properties["templateFile"])
            path = str(artifact.get("displayName", artifact_id))
            yield Stack(
                str(properties.get("stackName", artifact_id)),
                path,
                template_digest(template),
                _paths(folder, artifact),
                _defaults(template),
            )


def _defaults(template: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(name): str(parameter["Default"])
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }


def _paths(folder: Path, artifact: Mapping[str, Any]) -> dict[str, str]:
    metadata = dict(artifact.get("metadata") or {})
    extra = artifact.get("additionalMetadataFile")
    if extra:
        metadata.update(_read(folder / str(extra)))
    return {
        str(entry["data"]): path.strip("/").removesuffix("/Resource")
        for path, entries in metadata.items()
        for entry in entries
        if entry.get("type") == "aws:cdk:logicalId"
    }


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def main() -> int:
    """Prints or verifies the digest; returns the exit code."""
    found = digest(Path(sys.argv[1]))
    if len(sys.argv) == 2:  # noqa: PLR2004 - the folder alone
        print(found)
        return 0
    if found == sys.argv[2]:
        return 0
    print(f"the assembly has the digest {found}, expected {sys.argv[2]}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
