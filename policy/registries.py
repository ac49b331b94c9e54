"""Finds builds that write to repositories from which a protected environment is released."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

_WRITES = "ecr:PutImage"
_READS = "ecr:BatchGetImage"


def shared(template: Mapping[str, Any], protected_stages: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yields build projects of other pipelines that write to a repository which a protected pipeline reads.

    Their images or layers could be released. A project is named by its logical id.
    """
    resources = template.get("Resources", {})
    read: set[str] = set()
    written: list[tuple[str, str]] = []
    for resource in resources.values():
        if resource["Type"] != "AWS::CodePipeline::Pipeline":
            continue
        stages = resource["Properties"].get("Stages", [])
        projects = [project for stage in stages for project in _projects(stage)]
        if any(stage["Name"] in protected_stages for stage in stages):
            read |= {name for project in projects for name in _repositories(resources, project, _READS)}
        else:
            written += [(project, name) for project in projects for name in _repositories(resources, project, _WRITES)]
    yield from ((project, name) for project, name in written if name in read or "*" in name)


def _projects(stage: Mapping[str, Any]) -> Iterator[str]:
    """Yields the logical ids of the build projects that a stage runs."""
    for action in stage.get("Actions", []):
        project = action.get("Configuration", {}).get("ProjectName")
        if isinstance(project, Mapping) and "Ref" in project:
            yield str(project["Ref"])


def _repositories(resources: Mapping[str, Any], project: str, call: str) -> Iterator[str]:
    """Yields the repositories for which a build's role may make a call, as in the template."""
    role = resources[project]["Properties"]["ServiceRole"]
    if not isinstance(role, Mapping):  # a role of another template, which has its policies
        return
    for policy in resources.values():
        if policy["Type"] != "AWS::IAM::Policy":
            continue
        if json.dumps(role.get("Fn::GetAtt", [""])[0]) not in json.dumps(policy["Properties"].get("Roles", [])):
            continue
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow" and call in _listed(statement.get("Action", [])):
                yield from (json.dumps(resource) for resource in _listed(statement["Resource"]))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
