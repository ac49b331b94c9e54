"""Finds builds that write to repositories which others, who trust them, read."""

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


def of_pull_requests(template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields build projects for pull requests that write to a repository which any other role may use.

    The code of a pull request is anybody's: what it publishes must reach no other pipeline and no environment. A
    project is named by its logical id.
    """
    resources = template.get("Resources", {})
    projects = {
        project
        for resource in resources.values()
        if resource["Type"] == "AWS::CodePipeline::Pipeline" and _starts_on_pull_requests(resource["Properties"])
        for stage in resource["Properties"].get("Stages", [])
        for project in _projects(stage)
    }
    own = {_role(resources, project) for project in projects}
    elsewhere = {
        name
        for role, statement in _grants(resources)
        if role not in own and {_WRITES, _READS} & set(_listed(statement.get("Action", [])))
        for name in map(json.dumps, _listed(statement["Resource"]))
    }
    for project in sorted(projects):
        for name in _repositories(resources, project, _WRITES):
            if name in elsewhere or "*" in name:
                yield project, name


def _starts_on_pull_requests(pipeline: Mapping[str, Any]) -> bool:
    return any(trigger.get("GitConfiguration", {}).get("PullRequest") for trigger in pipeline.get("Triggers", []))


def _projects(stage: Mapping[str, Any]) -> Iterator[str]:
    """Yields the logical ids of the build projects that a stage runs."""
    for action in stage.get("Actions", []):
        project = action.get("Configuration", {}).get("ProjectName")
        if isinstance(project, Mapping) and "Ref" in project:
            yield str(project["Ref"])


def _repositories(resources: Mapping[str, Any], project: str, call: str) -> Iterator[str]:
    """Yields the repositories for which a build's role may make a call, as in the template."""
    role = _role(resources, project)
    for granted, statement in _grants(resources):
        if granted == role and call in _listed(statement.get("Action", [])):
            yield from (json.dumps(resource) for resource in _listed(statement["Resource"]))


def _role(resources: Mapping[str, Any], project: str) -> str | None:
    """Returns the logical id of a build's role; None for a role of another template, which has its policies."""
    role = resources[project]["Properties"]["ServiceRole"]
    return str(role["Fn::GetAtt"][0]) if isinstance(role, Mapping) and "Fn::GetAtt" in role else None


def _grants(resources: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields each statement that allows something, with the logical id of each role that has it."""
    for resource in resources.values():
        if resource["Type"] != "AWS::IAM::Policy":
            continue
        roles = [role["Ref"] for role in resource["Properties"].get("Roles", []) if isinstance(role, Mapping)]
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                yield from ((str(role), statement) for role in roles)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
