"""Role sessions: their duration is limited by MaxSessionDuration and role chaining, and threads may register them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ministack.services import iam, sts

from localcloud.iam import passing

SYMBOLS: tuple[str, ...] = (
    "ministack.services.sts:handle_request",
    "ministack.services.sts:_error",
    "ministack.services.sts:register_session",
    "ministack.services.sts:_caller_identity",
    "ministack.services.iam:_roles",
)

SHORTEST_SECONDS = 900
CHAINED_SECONDS = 3600
_ACTIONS = {"AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}


def refusal(role_arn: str, seconds: int, *, chained: bool) -> str:
    """Returns the reason why a session of that duration is refused; an empty string if it is allowed."""
    parts = role_arn.split(":")
    if len(parts) < 6:  # noqa: PLR2004 - the fields of an ARN
        return ""
    role = iam._roles.get_scoped(parts[4], None, role_arn.rsplit("/", 1)[-1])
    if seconds < SHORTEST_SECONDS:
        return f"Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: must be at least 900"
    if chained and seconds > CHAINED_SECONDS:
        return "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    if role and seconds > int(role.get("MaxSessionDuration") or CHAINED_SECONDS):
        return "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    return ""


def install() -> None:
    """Refuse sessions that are longer than their role allows, and register one session at a time.

    Credentials of tasks, functions, hosts and actions are registered on threads of their own, and each registration
    looks at all sessions to remove those that have expired.
    """
    original, register, one_at_a_time = sts.handle_request, sts.register_session, threading.Lock()

    def registered(access_key: str, session: dict[str, Any]) -> None:
        with one_at_a_time:
            register(access_key, session)

    sts.register_session = registered

    async def limited(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> object:
        request = passing.parse(headers, body, query_params)
        action = request.get("Action") or headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        if action in _ACTIONS and request.get("DurationSeconds"):
            caller = sts._caller_identity(headers, query_params) if action == "AssumeRole" else None
            chained = isinstance(caller, dict) and caller.get("principalType") == "AssumedRole"
            why = refusal(str(request.get("RoleArn", "")), int(request["DurationSeconds"]), chained=chained)
            if why:
                return sts._error(400, "ValidationError", why, ns="sts")
        return await original(method, path, headers, body, query_params)

    sts.handle_request = limited
