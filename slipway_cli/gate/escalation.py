"""Finds combinations of permissions that let a role gain more permissions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

# By rule: actions that together run code with the permissions of another role.
# bishopfox.com/blog/privilege-escalation-in-aws; rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation
PATHS: Mapping[str, tuple[str, ...]] = {
    "pass-role-to-task": ("iam:PassRole", "ecs:RunTask"),
    "pass-role-to-task-definition": ("iam:PassRole", "ecs:RegisterTaskDefinition"),
    "pass-role-to-function": ("iam:PassRole", "lambda:CreateFunction"),
    "pass-role-to-build": ("iam:PassRole", "codebuild:CreateProject"),
    "pass-role-to-changed-build": ("iam:PassRole", "codebuild:UpdateProject"),
    "pass-role-to-instance": ("iam:PassRole", "ec2:RunInstances"),
    "pass-role-to-stack": ("iam:PassRole", "cloudformation:CreateStack"),
    "pass-role-to-state-machine": ("iam:PassRole", "states:CreateStateMachine"),
    "change-stack-with-its-role": ("cloudformation:UpdateStack",),
    "change-set-with-its-role": ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
    "change-code-of-function": ("lambda:UpdateFunctionCode",),
    "change-pipeline": ("codepipeline:UpdatePipeline",),
}


def escalations(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the rule and the actions of each escalation that a policy document allows."""
    allowed = [
        action.lower()
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in _listed(statement.get("Action", []))
    ]
    for rule, actions in PATHS.items():
        if all(any(fnmatchcase(action.lower(), given) for given in allowed) for action in actions):
            yield rule, " with ".join(actions)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
