"""Reads a cloud assembly, the folder that `cdk synth` writes: its stacks, templates and construct paths."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway_cli.review.errors import ReviewError

Json = dict[str, Any]
LARGEST_TEMPLATE = 1024 * 1024
"""CloudFormation's quota for a template in an S3 bucket, in bytes: docs.aws.amazon.com, CloudFormation quotas."""
MOST_RESOURCES = 500


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack of an assembly."""

    name: str
    environment: str
    """The CDK stage of the stack: `production`, … or `tooling`."""
    account: str
    region: str
    template: Mapping[str, Any]
    paths: Mapping[str, str] = field(default_factory=dict)
    """Logical id to the construct's path below the stack: `Web/Service`."""
    protected: bool = False
    """True if termination protection is on."""

    @property
    def resources(self) -> Mapping[str, Json]:
        """Returns the resources by logical id."""
        found: Mapping[str, Json] = self.template.get("Resources") or {}
        return found

    def path(self, logical_id: str) -> str:
        """Returns the construct's path below the stack, or the logical id if the assembly has no path for it."""
        return self.paths.get(logical_id, logical_id)


@dataclass(frozen=True)
class Assembly:
    """The output of one synth, with the stacks in deployment order."""

    stacks: tuple[Stack, ...]
    version: str = ""
    """The version of the cloud assembly's schema."""

    def __getitem__(self, name: str) -> Stack:
        return next(stack for stack in self.stacks if stack.name == name)

    @property
    def by_name(self) -> dict[str, Stack]:
        """Returns the stacks by their CloudFormation names."""
        return {stack.name: stack for stack in self.stacks}


def read(folder: Path) -> Assembly:
    """Returns the assembly in a folder.

    Raises:
        ReviewError: if the folder is not a valid assembly, or a template exceeds CloudFormation's quotas.
    """
    manifest = _json(folder / "manifest.json", "not a folder that `cdk synth` wrote")
    stacks = list(_stacks(folder, manifest))
    if not stacks:
        raise ReviewError(f"{folder}: the assembly has no stacks; is `--product` correct?")
    return Assembly(stacks=tuple(stacks), version=str(manifest.get("version", "")))


def comparable(before: Assembly, after: Assembly) -> str:
    """Returns a warning if two assemblies have different schema versions, otherwise an empty text."""
    if before.version == after.version:
        return ""
    return (
        f"the base was synthesized by another version of CDK (assembly schema {before.version or 'unknown'}, now "
        f"{after.version or 'unknown'}): some of the changes below may come from CDK itself"
    )


def _stacks(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Stack]:
    artifacts = _artifacts(folder, manifest)
    for name in _deployed_in_order(artifacts):
        artifact = artifacts[name]
        if artifact.get("type") == "aws:cloudformation:stack":
            yield _stack(folder, name, artifact)
        if artifact.get("type") == "cdk:cloud-assembly":
            nested = folder / str(artifact.get("properties", {}).get("directoryName", name))
            yield from _stacks(nested, _json(nested / "manifest.json", "the parent manifest refers to it"))


def _artifacts(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Json]:
    artifacts = manifest.get("artifacts", {})
    if not isinstance(artifacts, dict) or not all(isinstance(artifact, dict) for artifact in artifacts.values()):
        raise ReviewError(
            f"{folder / 'manifest.json'}: `artifacts` does not have the expected format; synthesize again"
        )
    return artifacts


def _deployed_in_order(artifacts: Mapping[str, Json]) -> list[str]:
    """Returns the artifact names sorted so that each one follows its dependencies."""
    done: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        if name in done or name in above:
            return
        for needed in artifacts.get(name, {}).get("dependencies", []):
            visit(str(needed), above | {name})
        done[name] = None

    for name in artifacts:
        visit(name, frozenset())
    return [name for name in done if name in artifacts]


def _stack(folder: Path, artifact_id: str, artifact: Json) -> Stack:
    properties = artifact.get("properties", {})
    path = folder / str(properties.get("templateFile", f"{artifact_id}.template.json"))
    if path.is_file() and path.stat().st_size > LARGEST_TEMPLATE:
        size = path.stat().st_size
        raise ReviewError(
            f"{path.name}: {size:,} bytes; CloudFormation accepts {LARGEST_TEMPLATE:,}. "
            "Move constructs to another stack"
        )
    template = _json(path, "the manifest refers to this template")
    count = len(template.get("Resources") or {})
    if count > MOST_RESOURCES:
        raise ReviewError(
            f"{path.name}: {count} resources; CloudFormation accepts {MOST_RESOURCES}. Move constructs to another stack"
        )
    account, _, region = str(artifact.get("environment", "")).removeprefix("aws://").partition("/")
    shown = str(artifact.get("displayName", artifact_id))
    return Stack(
        name=str(properties.get("stackName", artifact_id)),
        environment=shown.rpartition("/")[0] or shown,
        account=account,
        region=region,
        template=template,
        paths=_paths(folder, artifact, shown),
        protected=bool(properties.get("terminationProtection")),
    )


def _paths(folder: Path, artifact: Json, shown: str) -> dict[str, str]:
    """Returns the construct path of each logical id, from the metadata that CDK writes beside the template."""
    metadata = artifact.get("metadata") or {}
    extra = artifact.get("additionalMetadataFile")
    if extra and (folder / str(extra)).is_file():
        metadata = {**metadata, **_json(folder / str(extra), "the manifest refers to it")}
    return {
        str(entry["data"]): path.strip("/").removeprefix(f"{shown}/").removesuffix("/Resource")
        for path, entries in metadata.items()
        for entry in entries
        if entry.get("type") == "aws:cdk:logicalId"
    }


def _json(path: Path, role: str) -> Json:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReviewError(f"{path}: cannot be read ({error.strerror}): {role}") from None
    except ValueError as error:
        raise ReviewError(f"{path}: not JSON ({error}); synthesize again") from None
    if not isinstance(found, dict):
        raise ReviewError(f"{path}: expected a JSON object: {role}")
    return found
