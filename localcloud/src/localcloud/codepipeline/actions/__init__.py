"""The action providers, each in a module of its own."""

from __future__ import annotations

from localcloud.codepipeline.actions import approval, cloudformation, codebuild, connection, ecs, invoke, s3
from localcloud.codepipeline.actions.work import Provider, Work, perform
from localcloud.codepipeline.errors import ActionError

__all__ = ["PROVIDERS", "Provider", "Work", "perform", "provider", "seconds"]

PROVIDERS: dict[str, Provider] = {
    "CodeStarSourceConnection": connection.run,
    "CodeBuild": codebuild.run,
    "Lambda": invoke.run,
    "Manual": approval.run,
    "CloudFormation": cloudformation.run,
    "ECS": ecs.run,
    "S3": s3.run,
}

_HOUR = 3600
# docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
_SECONDS = {
    "CloudFormation": 3 * 24 * _HOUR,
    "Lambda": 24 * _HOUR,
    "Manual": 7 * 24 * _HOUR,
    "CodeBuild": 36 * _HOUR,
    "S3": 1.5 * _HOUR,
}


def provider(name: str) -> Provider:
    """Returns an action provider.

    Raises:
        ActionError: if the local cloud does not have it.
    """
    if name not in PROVIDERS:
        known = ", ".join(sorted(PROVIDERS))
        raise ActionError(f"The local cloud has no action provider {name}. It has: {known}", "ConfigurationError")
    return PROVIDERS[name]


def seconds(name: str, minutes: int | None) -> float:
    """Returns the timeout of an action. It is configurable only for a manual approval."""
    if minutes and name == "Manual":
        return minutes * 60
    return _SECONDS.get(name, _HOUR)
