"""The errors of the API, with the codes of the real service, and the failures of actions."""

from __future__ import annotations

import json
import re

from botocore.exceptions import ClientError

from localcloud.json_services import ServiceError

_DENIED = re.compile(r"User: \S+ is not authorized to perform: (?P<action>[\w-]+:\w+) on resource: (?P<resource>\S+)")
_DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}


class ActionError(Exception):
    """The failure of an action or a rule. `code` is CodePipeline's error code."""

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


class Abandoned(Exception):  # noqa: N818 - reads as what happened
    """The run was stopped without waiting for this action."""


def no_pipeline(pipeline: str, account: str) -> ServiceError:
    """Returns the error for a pipeline that does not exist."""
    message = f"Account '{account}' does not have a pipeline with name '{pipeline}'"
    return ServiceError("PipelineNotFoundException", message)


def no_stage(pipeline: str, stage: str) -> ServiceError:
    """Returns the error for a stage that the pipeline does not have."""
    return ServiceError("StageNotFoundException", f"Pipeline '{pipeline}' has no stage named '{stage}'")


def no_action(pipeline: str, stage: str, action: str) -> ServiceError:
    """Returns the error for an action that the stage does not have."""
    message = f"Stage '{stage}' of pipeline '{pipeline}' has no action named '{action}'"
    return ServiceError("ActionNotFoundException", message)


def no_execution(pipeline: str, execution: str) -> ServiceError:
    """Returns the error for an execution that the pipeline does not have."""
    message = f"Pipeline '{pipeline}' has no execution with id '{execution}'"
    return ServiceError("PipelineExecutionNotFoundException", message)


def statement(action: str, resource: str) -> str:
    """Returns the policy statement that allows an action on a resource, as one line of JSON."""
    return json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})


def denied(role: str, action: str, resource: str) -> ActionError:
    """Returns the failure for a denied call, with the policy statement that would allow it."""
    message = (
        f"The role {role} may not perform {action} on {resource}. Add to its policy: {statement(action, resource)}"
    )
    return ActionError(message, "PermissionError")


def from_client_error(error: ClientError, role: str) -> ActionError:
    """Converts the error of a call to a failure of the action.

    For a denied call, the message names the role, the IAM action and resource, and the policy statement to add.
    """
    details = error.response.get("Error", {})
    message = str(details.get("Message") or error)
    match = _DENIED.search(message)
    if match:
        return denied(role, match["action"], match["resource"])
    if details.get("Code") in _DENIED_CODES:
        return ActionError(f"The role {role} was denied {error.operation_name}: {message}", "PermissionError")
    return ActionError(f"{details.get('Code', 'Error')}: {message}")
