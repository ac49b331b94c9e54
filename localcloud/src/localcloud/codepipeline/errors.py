"""What can go wrong: answers of the API by the real service's names, and failures of an action."""

from __future__ import annotations

import json
import re

from botocore.exceptions import ClientError

_DENIED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+) on resource: (?P<on>\S+)"
)
_DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}


class ServiceError(Exception):
    """An error answer of the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ActionError(Exception):
    """An action (or a rule) failed; `code` is CodePipeline's word for why."""

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


class Abandoned(Exception):  # noqa: N818 - reads as what happened
    """The run was stopped without waiting for this action."""


def not_found(pipeline: str, account: str) -> ServiceError:
    """There is no such pipeline."""
    said = f"Account '{account}' does not have a pipeline with name '{pipeline}'"
    return ServiceError("PipelineNotFoundException", said)


def no_stage(pipeline: str, stage: str) -> ServiceError:
    """The pipeline has no such stage."""
    return ServiceError("StageNotFoundException", f"Pipeline '{pipeline}' has no stage named '{stage}'")


def no_action(pipeline: str, stage: str, action: str) -> ServiceError:
    """The stage has no such action."""
    said = f"Stage '{stage}' of pipeline '{pipeline}' has no action named '{action}'"
    return ServiceError("ActionNotFoundException", said)


def no_execution(pipeline: str, execution: str) -> ServiceError:
    """The pipeline has no such execution."""
    said = f"Pipeline '{pipeline}' has no execution with id '{execution}'"
    return ServiceError("PipelineExecutionNotFoundException", said)


def statement(action: str, resource: str) -> str:
    """The policy statement that allows one action on one resource, as one line of JSON."""
    return json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})


def denied(role: str, action: str, resource: str) -> ActionError:
    """What a role may not do, and the line that would let it."""
    said = f"The role {role} may not perform {action} on {resource}. Add to its policy: {statement(action, resource)}"
    return ActionError(said, "PermissionError")


def explained(error: ClientError, role: str) -> ActionError:
    """The failure of a call as the failure of the action; a denial names role, action, resource and the remedy."""
    details = error.response.get("Error", {})
    message = str(details.get("Message") or error)
    found = _DENIED.search(message)
    if found:
        return denied(role, found["action"], found["on"])
    if details.get("Code") in _DENIED_CODES:
        return ActionError(f"The role {role} was denied {error.operation_name}: {message}", "PermissionError")
    return ActionError(f"{details.get('Code', 'Error')}: {message}")
