"""Denial messages name the principal, the action and the resource, as AWS's do."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

from localcloud.iam import passing

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_actions:access_denied_response",)


def message(principal: str, action: str, resource: str, *, explicit: bool) -> str:
    """Returns the message of a denial."""
    reason = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {action} action"
    )
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}"


def install() -> None:
    """Complete the messages of denials, in which MiniStack leaves the resource out."""
    original = iam_actions.access_denied_response

    def complete(service: str, action: str, principal_arn: str, request_id: str, **details: Any) -> object:
        role = passing.denied_role.get()
        if role:
            action, details["resource_arn"] = "iam:PassRole", role
        has_message = details.get("error_code") or details.get("message") or details.get("resource_policy_arn")
        # MiniStack's denials of SSM and Logs already name the resource, in a response body of their own.
        if not has_message and service not in {"ssm", "logs", "iot-data"}:
            resource, explicit = str(details.get("resource_arn", "*")), bool(details.get("explicit_deny"))
            details["message"] = message(principal_arn, action, resource, explicit=explicit)
        return original(service, action, principal_arn, request_id, **details)

    iam_actions.access_denied_response = complete
