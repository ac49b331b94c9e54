"""Who asks, as conditions see it: `aws:PrincipalArn` of a session is its role, not the session."""

from __future__ import annotations

import re
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_evaluator:_resolve_condition_key", "ministack.services.iam:_roles")

_SESSION = re.compile(r"^arn:aws:sts::(\d{12}):assumed-role/([^/]+)/")


def principal(arn: str) -> str:
    """The ARN that `aws:PrincipalArn` has for a caller.

    docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    session = _SESSION.match(arn)
    if session is None:
        return arn
    account, name = session.groups()
    role = iam._roles.get(name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def install() -> None:
    """Answer the one key that MiniStack answers with the session."""
    plain = iam_evaluator._resolve_condition_key

    def resolving(key: str, context: Any) -> Any:
        found = plain(key, context)
        return principal(str(found)) if key.lower() == "aws:principalarn" else found

    iam_evaluator._resolve_condition_key = resolving
