"""Calls that need permission for several resources, each with its own condition keys, such as the tags of an instance.

MiniStack authorizes a call for one resource. Here a service says which ones its call reaches.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions, iam_evaluator

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_actions:access_denied_response",
    "ministack.core.iam_actions:extract_iam_action",
    "ministack.core.iam_evaluator:enforce",
)


@dataclass(frozen=True)
class Reached:
    """A resource that a call reaches, and the condition keys that IAM knows about it."""

    arn: str
    keys: dict[str, str]


def tagged(tags: dict[str, str], *services: str) -> dict[str, str]:
    """Returns the condition keys for the tags of a resource: `aws:ResourceTag/KEY` and those of services."""
    prefixes = ("aws:ResourceTag", *services)
    return {f"{prefix}/{key}": value for prefix in prefixes for key, value in tags.items()}


def authorize_each(
    service: str,
    actions: frozenset[str],
    reached: Callable[[str, bytes], Sequence[Reached]],
    *,
    named_first: bool,
) -> None:
    """Authorize the actions of a service for each resource that `reached` returns for the action and the body.

    With `named_first` the resource that the request names is authorized first, e.g. the document of a command.
    """
    extract, enforce, respond = (
        iam_actions.extract_iam_action,
        iam_evaluator.enforce,
        iam_actions.access_denied_response,
    )
    request: contextvars.ContextVar[bytes] = contextvars.ContextVar(f"localcloud_{service}_request", default=b"")
    refused: contextvars.ContextVar[str] = contextvars.ContextVar(f"localcloud_{service}_refused", default="")

    def extracting(of: str, method: str, path: str, *rest: Any) -> str | None:
        action: str | None = extract(of, method, path, *rest)
        refused.set("")
        request.set(rest[1] if action in actions else b"")
        return action

    def enforcing(access_key_id: str, iam_action: str, of: str, region: str, **about: Any) -> object:
        resources = list(reached(iam_action, request.get())) if iam_action in actions else []
        own = dict(about.get("service_context") or {})
        if named_first or not resources:
            named = next((part.keys for part in resources if part.arn == about.get("resource_arn")), {})
            denied: object = enforce(access_key_id, iam_action, of, region, **{**about, "service_context": own | named})
            if denied is not None:
                return denied
        for part in resources:
            more = {"resource_arn": part.arn, "service_context": own | part.keys}
            denied = enforce(access_key_id, iam_action, of, region, **{**about, **more})
            if denied is not None:
                refused.set(part.arn)
                return denied
        return None

    def responding(of: str, action: str, principal_arn: str, request_id: str, **details: Any) -> object:
        if of == service and refused.get():
            details["resource_arn"] = refused.get()
        return respond(of, action, principal_arn, request_id, **details)

    iam_actions.extract_iam_action = extracting
    iam_evaluator.enforce = enforcing
    iam_actions.access_denied_response = responding
