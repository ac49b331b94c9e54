"""Reads an assembly for the gate's tools: the construct of each resource and the permissions of each role."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One stack's template, with its file and its constructs."""

    file: Path
    stack: str
    """The construct path of the stack: `production/Data`."""
    content: Mapping[str, Any]
    constructs: Mapping[str, str]
    """The construct paths by logical id."""

    def path(self, logical_id: str) -> str:
        """Returns the construct path of a logical id, or of the stack if CDK recorded none."""
        return self.constructs.get(logical_id, self.stack)


def templates(folder: Path) -> list[Template]:
    """Returns all templates of an assembly, including nested ones."""
    return sorted(_templates(folder), key=lambda template: template.stack)


def _templates(folder: Path) -> Iterator[Template]:
    for name, artifact in _read(folder / "manifest.json")["artifacts"].items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _templates(folder / properties["directoryName"])
        if artifact["type"] == "aws:cloudformation:stack":
            file = folder / properties["templateFile"]
            metadata = dict(artifact.get("metadata", {}))
            if extra := artifact.get("additionalMetadataFile"):
                metadata.update(_read(folder / extra))
            constructs = {
                str(entry["data"]): path.strip("/")
                for path, entries in metadata.items()
                for entry in entries
                if entry["type"] == "aws:cdk:logicalId"
            }
            yield Template(file, artifact.get("displayName", name), _read(file), constructs)


def roles(template: Template) -> dict[str, Json]:
    """Returns one policy document per role with the statements of its policies, by construct path.

    A managed policy gets a document of its own, as if it were a role.
    """
    found: dict[str, list[Json]] = {}
    for logical_id, resource in template.content.get("Resources", {}).items():
        properties = resource.get("Properties", {})
        path = template.path(logical_id)
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                found.setdefault(path, []).extend(_statements(policy))
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            found.setdefault(path, []).extend(_statements(properties))
        if resource["Type"] == "AWS::IAM::Policy":
            for role in properties.get("Roles", []):
                found.setdefault(template.path(str(role.get("Ref"))), []).extend(_statements(properties))
    return {path: {"Version": "2012-10-17", "Statement": statements} for path, statements in found.items()}


def _statements(policy: Json) -> list[Json]:
    statements = policy["PolicyDocument"]["Statement"]
    return [flat(statement) for statement in (statements if isinstance(statements, list) else [statements])]


def flat(value: Any) -> Any:
    """Returns a value with intrinsic functions replaced by made-up ARNs."""
    if isinstance(value, list):
        return [flat(item) for item in value]
    if isinstance(value, dict):
        function = next(iter(value), "") if len(value) == 1 else ""
        if function == "Ref" or function.startswith("Fn::"):
            return _placeholder(function, value[function])
        return {key: flat(inner) for key, inner in value.items()}
    return value


def _placeholder(function: str, argument: Any) -> str:
    if function == "Fn::Join":
        return str(argument[0]).join(str(flat(part)) for part in argument[1])
    named = {"Ref": [argument], "Fn::GetAtt": argument}.get(function, ["imported"])
    return f"arn:aws:unknown:us-east-1:111122223333:{'.'.join(map(str, named))}"


def _read(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found
