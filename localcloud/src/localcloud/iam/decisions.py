"""Records IAM's decisions and the statements behind them, in `<state>/run/decisions.jsonl`.

AWS has no such record. It shows which statement of a role is the only one that allows an action in use, and which
statement is never used.
"""

from __future__ import annotations

import contextvars
import json
import threading
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator

from localcloud import settings

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:evaluate",
    "ministack.core.iam_evaluator:evaluate_resource_policy",
    "ministack.core.iam_evaluator:_first_match",
    "ministack.core.iam_evaluator:ParsedStatement",
)

_SESSION = ":assumed-role/"
_resource_policy: contextvars.ContextVar[bool] = contextvars.ContextVar("localcloud_resource_policy", default=False)


def file(chosen: settings.Settings) -> Path:
    """Returns the path of the record."""
    return chosen.run / "decisions.jsonl"


class Decisions:
    """The decisions of this process, each distinct one once: a role, an action, and the statements that allow it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")

    def add(self, request: Any, allowed: bool, by: list[str]) -> None:
        """Record the decision on a request of a role's session; other principals have no policies to examine."""
        role = request.principal_arn.partition(_SESSION)[2].partition("/")[0]
        key = (role, request.action, str(allowed), *by)
        with self._lock:
            if not role or key in self._known:
                return
            self._known.add(key)
            line = {
                "role": role,
                "action": request.action,
                "resource": request.resource_arn,
                "allowed": allowed,
                "by": by,
            }
            with self._path.open("a", encoding="utf-8") as output:
                output.write(json.dumps(line) + "\n")


def label(statement: Any) -> str:
    """Returns a statement's Sid, or its actions if it has no Sid."""
    return str(statement.sid) or ",".join(sorted(statement.actions))


def install() -> None:
    """Record every decision from now on."""
    original, original_resource_policy = iam_evaluator.evaluate, iam_evaluator.evaluate_resource_policy
    decisions = Decisions(file(settings.current()))

    def recording(request: Any, policies: list[list[Any]], *limits: list[list[Any]]) -> Any:
        result = original(request, policies, *limits)
        if _SESSION in request.principal_arn and not _resource_policy.get():
            statements = [statement for document in policies for statement in document]
            matching = [known for known in statements if iam_evaluator._first_match(request, [known], "Allow")]
            decisions.add(request, result.decision == "Allow", sorted({label(statement) for statement in matching}))
        return result

    def unrecorded(*arguments: Any, **more: Any) -> Any:
        """The policies of buckets and secrets pass through `evaluate` too, but are not policies of the role."""
        before = _resource_policy.set(True)
        try:
            return original_resource_policy(*arguments, **more)
        finally:
            _resource_policy.reset(before)

    iam_evaluator.evaluate, iam_evaluator.evaluate_resource_policy = recording, unrecorded
