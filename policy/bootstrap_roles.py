"""Finds roles that may assume the roles of the CDK's bootstrap, and so deploy any stack, without being trusted to.

Their trust policies admit every role of the account, so whoever is granted `sts:AssumeRole` on them can use them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_BOOTSTRAP = "cdk-"  # CDK's names: cdk-<qualifier>-deploy-role-<account>-<region>
_WILD = frozenset("*?[{")


def found(template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the logical id of each role that may assume them and must not, with the reason."""
    resources: Mapping[str, Any] = template.get("Resources", {})
    builds = _trusted(resources)
    for policy in resources.values():
        if policy["Type"] == "AWS::IAM::Policy":
            granted = list(_granted(policy["Properties"]["PolicyDocument"]))
            for role in map(_referred, policy["Properties"].get("Roles", [])):
                yield from ((role, why) for resource in granted if (why := _wrong(role, resource, builds)))
        if policy["Type"] == "AWS::IAM::Role":
            for inner in policy["Properties"].get("Policies", []):
                if any(map(_reaches, _granted(inner["PolicyDocument"]))):
                    yield "a role", "an inline policy of a role reaches the CDK's roles; grant it in the stack"


def _wrong(role: str, resource: str, builds: Mapping[str, str]) -> str:
    if not _reaches(resource):
        return ""
    if any(mark in resource for mark in ("*", "?")):
        return f"it may assume {resource}, a pattern that the roles of the CDK's bootstrap match; name each role"
    return builds.get(
        role, "it may deploy stacks by a role of the CDK's bootstrap, and is no build of a pipeline's assembly"
    )


def _reaches(resource: str) -> bool:
    """True if an ARN, as JSON, may be that of a role of the bootstrap."""
    name = resource.rpartition("role/")[2]
    return name.startswith((_BOOTSTRAP, "*")) or resource in ("*", '"*"')


def _granted(document: Mapping[str, Any]) -> Iterator[str]:
    """Yields the resources on which a policy allows to assume roles, as text."""
    for statement in _listed(document["Statement"]):
        actions = {action.lower() for action in _listed(statement.get("Action", []))}
        if statement["Effect"] == "Allow" and actions & {"sts:assumerole", "sts:*", "*"}:
            for resource in _listed(statement.get("Resource", [])):
                yield resource if isinstance(resource, str) else json.dumps(resource)


def _trusted(resources: Mapping[str, Any]) -> dict[str, str]:
    """Returns for the role of each build of a pipeline why it must not deploy; empty if it may."""
    reasons: dict[str, str] = {}
    for pipeline in resources.values():
        if pipeline["Type"] != "AWS::CodePipeline::Pipeline":
            continue
        wide = _wide(pipeline["Properties"])
        for stage in pipeline["Properties"]["Stages"]:
            for action in stage["Actions"]:
                project = _referred(action.get("Configuration", {}).get("ProjectName"))
                if project in resources:
                    role = _referred(resources[project]["Properties"]["ServiceRole"])
                    reasons[role] = reasons.get(role) or wide or _runs_code(pipeline["Properties"], action)
    return reasons


def _wide(pipeline: Mapping[str, Any]) -> str:
    """Returns what else than pushes to one branch starts a pipeline; empty if nothing does."""
    for trigger in pipeline.get("Triggers", []):
        git = trigger.get("GitConfiguration", {})
        branches = [name for push in git.get("Push", []) for name in push.get("Branches", {}).get("Includes", [])]
        if git.get("PullRequest"):
            return "a pull request starts its pipeline; only a push to one named branch may reach the CDK's roles"
        if any(push.get("Tags") for push in git.get("Push", [])) or len(branches) != 1 or _WILD & set(branches[0]):
            return "more than one named branch starts its pipeline; name the one that may reach the CDK's roles"
    return ""


def _runs_code(pipeline: Mapping[str, Any], action: Mapping[str, Any]) -> str:
    source = {
        output["Name"] for given in pipeline["Stages"][0]["Actions"] for output in given.get("OutputArtifacts", [])
    }
    if source & {given["Name"] for given in action.get("InputArtifacts", [])}:
        return "its build has the repository's code, which could use the CDK's roles; give it only the assembly"
    return ""


def _referred(value: object) -> str:
    """Returns the logical id of a Ref or GetAtt; other values as they are."""
    if isinstance(value, Mapping):
        return str(value["Fn::GetAtt"][0] if "Fn::GetAtt" in value else value.get("Ref", ""))
    return str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
