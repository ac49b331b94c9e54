"""ECS Exec: a session that the local cloud's replacement of session-manager-plugin turns into `docker exec`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ministack.services import ecs

SYMBOLS = (
    "ministack.services.ecs:_ACTION_MAP",
    "ministack.services.ecs:_execute_command",
    "ministack.services.ecs:_resolve_cluster_name",
    "ministack.services.ecs:_resolve_task",
    "ministack.services.ecs:error_response_json",
)

NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute command "
    "agent isn't running. Wait and try again or run a new task with execute command enabled and try again."
)


def refusal(task: Mapping[str, Any], wanted: str | None) -> str | None:
    """Returns the reason why no command can run in the task; None if one can."""
    names = [container["name"] for container in task["containers"]]
    if not task.get("enableExecuteCommand"):
        return NOT_ENABLED
    if task.get("lastStatus") != "RUNNING":
        return "The task is not running."
    if wanted is None and len(names) > 1:
        return "You must specify a container name when the task has several."
    if wanted is not None and wanted not in names:
        return f"No container {wanted} in the task."
    return None if task.get("_docker_ids") else "The task has no container: the local cloud runs without Docker."


def _execute(data: dict[str, Any]) -> Any:
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    task = ecs._resolve_task(data.get("task", ""), cluster) if cluster else None
    if task is None:
        return _original(data)
    wanted = data.get("container")
    why = refusal(task, wanted)
    if why:
        return ecs.error_response_json("InvalidParameterException", why, 400)
    names = [container["name"] for container in task["containers"]]
    status, headers, body = _original(data)
    answer = json.loads(body)
    container = task["_docker_ids"][names.index(wanted) if wanted else 0]
    answer["session"]["streamUrl"] = f"docker-exec://{container}?cmd={quote(data.get('command', 'sh'))}"
    return status, headers, json.dumps(answer).encode()


_original = ecs._execute_command


def install() -> None:
    """Answer ExecuteCommand with a session that names the task's container."""
    ecs._execute_command = _execute
    ecs._ACTION_MAP["ExecuteCommand"] = _execute
