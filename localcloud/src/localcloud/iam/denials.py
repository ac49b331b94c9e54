"""A refusal names who was refused, what, and on which resource, as AWS's own messages do."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

from localcloud.iam import passing

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_actions:access_denied_response",)


def message(principal: str, action: str, resource: str, *, explicit: bool) -> str:
    """The sentence of a denial."""
    reason = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {action} action"
    )
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}"


def install() -> None:
    """Complete the message of every denial that MiniStack would leave without its resource."""
    plain = iam_actions.access_denied_response

    def complete(service: str, action: str, principal_arn: str, request_id: str, **details: Any) -> object:
        role = passing.denied_role.get()
        if role:
            action, details["resource_arn"] = "iam:PassRole", role
        own_words = details.get("error_code") or details.get("message") or details.get("resource_policy_arn")
        # SSM and Logs already name the resource and have a body of their own.
        if not own_words and service not in {"ssm", "logs", "iot-data"}:
            resource, explicit = str(details.get("resource_arn", "*")), bool(details.get("explicit_deny"))
            details["message"] = message(principal_arn, action, resource, explicit=explicit)
        return plain(service, action, principal_arn, request_id, **details)

    iam_actions.access_denied_response = complete
