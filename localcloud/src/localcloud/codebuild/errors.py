"""The errors that end a build. An access denial contains the policy statement that would allow the call."""

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
    """An error that makes a phase fail with a status code and a message."""

    def __init__(self, status_code: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


class ContainerLostError(Exception):
    """The container ended before its build did."""


def api_error(error: ClientError, role: str, purpose: str) -> BuildError:
    """Returns the build error for a failed API call of the build's role.

    If IAM denied the call, the message contains the policy statement to add.
    """
    details = error.response.get("Error", {})
    match = _DENIED.search(str(details.get("Message", "")))
    if match is None:
        return BuildError(CLIENT_ERROR, f"{purpose}: {error}")
    action, resource = match[1], match[2].rstrip(".")
    line = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
    return BuildError(
        ACCESS_DENIED,
        f"Service role {role} does not allow AWS CodeBuild to {purpose}: {action} on {resource} is denied. "
        f"Add to the role's policy: {line}",
    )
