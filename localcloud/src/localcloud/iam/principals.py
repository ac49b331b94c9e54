"""The condition key `aws:PrincipalArn`: for a role's session it holds the ARN of the role."""

from __future__ import annotations

import re
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_evaluator:_resolve_condition_key", "ministack.services.iam:_roles")

_SESSION = re.compile(r"^arn:aws:sts::(\d{12}):assumed-role/([^/]+)/")


def principal(arn: str) -> str:
    """Returns the value of `aws:PrincipalArn` for a caller.

    docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    session = _SESSION.match(arn)
    if session is None:
        return arn
    account, name = session.groups()
    role = iam._roles.get(name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def install() -> None:
    """Correct the condition key, to which MiniStack assigns the ARN of the session."""
    original = iam_evaluator._resolve_condition_key

    def resolving(key: str, context: Any) -> Any:
        found = original(key, context)
        return principal(str(found)) if key.lower() == "aws:principalarn" else found

    iam_evaluator._resolve_condition_key = resolving
