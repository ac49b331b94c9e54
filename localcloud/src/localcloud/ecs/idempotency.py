"""RunTask with a client token starts its tasks only once, even if it is called repeatedly.

docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import ecs

SYMBOLS = (
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.core.responses:error_response_json",
    "ministack.core.responses:json_response",
    "ministack.services.ecs:_ACTION_MAP",
    "ministack.services.ecs:_run_task",
    "ministack.services.ecs:_sanitize",
    "ministack.services.ecs:_tasks",
    "ministack.services.ecs:reset",
)

SECONDS = 24 * 3600
_OK = 200


@dataclass(frozen=True)
class _Call:
    """A successful call of RunTask."""

    at: float
    request: str
    tasks: list[dict[str, Any]]


_calls: Any = AccountRegionScopedDict()
_lock = threading.Lock()


def _run(data: dict[str, Any]) -> Any:
    token = data.get("clientToken")
    if not token:
        return _original(data)
    request = json.dumps({name: value for name, value in data.items() if name != "clientToken"}, sort_keys=True)
    key = f"{data.get('cluster', 'default')}|{token}".rsplit(":cluster/", 1)[-1]
    with _lock:
        known = _calls.get(key)
        if known is None or known.at < time.time() - SECONDS:
            return _first(data, key, request)
    arns = [task["taskArn"] for task in known.tasks]
    if known.request != request:
        text = f"The clientToken {token} is already in use with a different RunTask request. Tasks: {', '.join(arns)}"
        return error_response_json("ConflictException", text, 400, {"resourceIds": arns})
    current = [ecs._sanitize(ecs._tasks.get(task["taskArn"]) or task) for task in known.tasks]
    return json_response({"tasks": current, "failures": []})


def _first(data: dict[str, Any], key: str, request: str) -> Any:
    answer = _original(data)
    if answer[0] == _OK:
        tasks = json.loads(answer[2]).get("tasks") or []
        if tasks:  # if no task was started, the next call may try again
            _calls[key] = _Call(time.time(), request, tasks)
    return answer


def _reset() -> None:
    _calls.clear()
    _original_reset()


_original = ecs._run_task
_original_reset = ecs.reset


def install() -> None:
    """Answer a repeated call with the tasks of the first call."""
    ecs._run_task = _run
    ecs._ACTION_MAP["RunTask"] = _run
    ecs.reset = _reset
