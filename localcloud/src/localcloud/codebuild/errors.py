"""How a build fails: the status code and message that a phase shows, a refusal with the policy line that would help."""

from __future__ import annotations

import json
import re

from botocore.exceptions import ClientError

CLIENT_ERROR = "CLIENT_ERROR"
COMMAND_EXECUTION_ERROR = "COMMAND_EXECUTION_ERROR"
YAML_FILE_ERROR = "YAML_FILE_ERROR"
ACCESS_DENIED = "ACCESS_DENIED"
BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE = "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"
RECORDED_ONLY = "RECORDED_ONLY"  # ours: the local cloud has no Docker

_DENIED = re.compile(r"is not authorized to perform: (\S+) on resource: (\S+)")


class BuildError(Exception):
    """A phase fails with this status code and message."""

    def __init__(self, status_code: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


class ContainerLostError(Exception):
    """The build's container ended while the build ran."""


def refused(error: ClientError, role: str, doing: str) -> BuildError:
    """What an API call as the build's role says, with the policy line to add if IAM refused it."""
    details = error.response.get("Error", {})
    found = _DENIED.search(str(details.get("Message", "")))
    if found is None:
        return BuildError(CLIENT_ERROR, f"{doing}: {error}")
    action, resource = found[1], found[2].rstrip(".")
    line = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
    return BuildError(
        ACCESS_DENIED,
        f"Service role {role} does not allow AWS CodeBuild to {doing}: {action} on {resource} is denied. "
        f"Add to the role's policy: {line}",
    )
