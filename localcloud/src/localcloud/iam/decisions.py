"""Which statement allowed what: a line for each new kind of answer that IAM gives, in `<state>/run/decisions.jsonl`.

AWS has no such record. It shows which statement of a role is the only one to allow something that was asked for, and
which one nothing asks for.
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
_of_resource: contextvars.ContextVar[bool] = contextvars.ContextVar("localcloud_policy_of_resource", default=False)


def file(chosen: settings.Settings) -> Path:
    """Where the answers stand."""
    return chosen.run / "decisions.jsonl"


class Decisions:
    """The answers of this process, each kind once: of a role, an action, and the statements that allow it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")

    def add(self, asked: Any, allowed: bool, by: list[str]) -> None:
        """Note an answer to a role's session; others have no policy of ours."""
        role = asked.principal_arn.partition(_SESSION)[2].partition("/")[0]
        key = (role, asked.action, str(allowed), *by)
        with self._lock:
            if not role or key in self._known:
                return
            self._known.add(key)
            line = {
                "role": role,
                "action": asked.action,
                "resource": asked.resource_arn,
                "allowed": allowed,
                "by": by,
            }
            with self._path.open("a", encoding="utf-8") as output:
                output.write(json.dumps(line) + "\n")


def named(statement: Any) -> str:
    """A statement by its sid, or by its actions where it has none."""
    return str(statement.sid) or ",".join(sorted(statement.actions))


def install() -> None:
    """Note every answer from now on."""
    plain, plain_of_resource = iam_evaluator.evaluate, iam_evaluator.evaluate_resource_policy
    decisions = Decisions(file(settings.current()))

    def noting(asked: Any, policies: list[list[Any]], *limits: list[list[Any]]) -> Any:
        result = plain(asked, policies, *limits)
        if _SESSION in asked.principal_arn and not _of_resource.get():
            each = [statement for document in policies for statement in document]
            by = sorted({named(it) for it in each if iam_evaluator._first_match(asked, [it], "Allow")})
            decisions.add(asked, result.decision == "Allow", by)
        return result

    def of_resource(*asked: Any, **more: Any) -> Any:
        """The policy of a bucket or a secret is asked by the same means: it is none of the role's."""
        before = _of_resource.set(True)
        try:
            return plain_of_resource(*asked, **more)
        finally:
            _of_resource.reset(before)

    iam_evaluator.evaluate, iam_evaluator.evaluate_resource_policy = noting, of_resource
