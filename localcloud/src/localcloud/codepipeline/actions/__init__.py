"""The actions a pipeline can have, by provider; one module each."""

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
    """The provider of that name.

    Raises:
        ActionError: when the local cloud has none; the action fails with that name.
    """
    if name not in PROVIDERS:
        known = ", ".join(sorted(PROVIDERS))
        raise ActionError(f"The local cloud has no action provider {name}. It has: {known}", "ConfigurationError")
    return PROVIDERS[name]


def seconds(name: str, minutes: int | None) -> float:
    """How long an action may take; only a manual approval can be given another time."""
    if minutes and name == "Manual":
        return minutes * 60
    return _SECONDS.get(name, _HOUR)
