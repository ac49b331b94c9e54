"""A task's containers end: heard from Docker, where MiniStack asks about each of them twenty times a second."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from docker.errors import DockerException
from ministack.core.concurrency import spawn_background
from ministack.core.responses import request_scope
from ministack.services import ecs
from requests.exceptions import RequestException

SYMBOLS = (
    "ministack.core.concurrency:spawn_background",
    "ministack.core.responses:request_scope",
    "ministack.services.ecs:_cluster_name_from_arn",
    "ministack.services.ecs:_maybe_mark_stopped",
    "ministack.services.ecs:_schedule_service_deployment_completion",
    "ministack.services.ecs:_task_is_active",
    "ministack.services.ecs:_watch_task_lifecycle",
)

_ASK_SECONDS = 2.0  # for what Docker did not say, as while its daemon was started again
_LISTEN_AGAIN_SECONDS = 1.0

logger = logging.getLogger("localcloud")
_heard = threading.Condition()
_ends = 0
_listening = threading.Event()


def _listen(client: Any) -> None:
    global _ends  # noqa: PLW0603 - counts what the condition tells
    while True:
        try:
            for _ in client.events(filters={"type": "container", "event": "die"}):
                with _heard:
                    _ends += 1
                    _heard.notify_all()
        except (DockerException, RequestException) as error:
            logger.debug("docker's events: %s", error)
        time.sleep(_LISTEN_AGAIN_SECONDS)


def _watch(task: dict[str, Any], client: Any, account: str, region: str) -> None:
    """Mark the task as stopped when its essential containers have ended; its service hears that it runs."""
    arn = task["taskArn"]

    def run() -> None:
        with request_scope(account, region):
            while ecs._task_is_active(arn, task):
                seen = _ends
                ecs._maybe_mark_stopped(task, client)
                if task.get("lastStatus") == "STOPPED":
                    return
                with _heard:
                    _heard.wait_for(lambda: _ends != seen, timeout=_ASK_SECONDS)  # noqa: B023 - called at once

    with _heard:
        if not _listening.is_set():
            _listening.set()
            threading.Thread(target=_listen, args=(client,), daemon=True, name="localcloud-ecs-endings").start()
    spawn_background(run, thread_name=f"localcloud-ecs-watch-{arn.rsplit('/', 1)[-1][:8]}")
    cluster, (kind, _, service) = ecs._cluster_name_from_arn(task["clusterArn"]), task["group"].partition(":")
    if kind == "service":
        ecs._schedule_service_deployment_completion(cluster, f"{cluster}/{service}", account, region, healthy_task=task)


def install() -> None:
    """Watch by Docker's events."""
    ecs._watch_task_lifecycle = _watch
