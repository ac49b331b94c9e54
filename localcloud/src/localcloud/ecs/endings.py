"""Detects the end of a task's containers with Docker's events; MiniStack polls each of them twenty times a second."""

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

_POLL_SECONDS = 2.0  # for missed events, for example during a restart of the Docker daemon
_RECONNECT_SECONDS = 1.0

logger = logging.getLogger("localcloud")
_event = threading.Condition()
_event_count = 0
_listening = threading.Event()


def _listen(client: Any) -> None:
    global _event_count  # noqa: PLW0603 - guarded by the condition
    while True:
        try:
            for _ in client.events(filters={"type": "container", "event": "die"}):
                with _event:
                    _event_count += 1
                    _event.notify_all()
        except (DockerException, RequestException) as error:
            logger.debug("docker's events: %s", error)
        time.sleep(_RECONNECT_SECONDS)


def _watch(task: dict[str, Any], client: Any, account: str, region: str) -> None:
    """Tell the scheduler that the task runs, and mark the task as stopped when an essential container ends."""
    arn = task["taskArn"]

    def run() -> None:
        with request_scope(account, region):
            while ecs._task_is_active(arn, task):
                seen = _event_count
                ecs._maybe_mark_stopped(task, client)
                if task.get("lastStatus") == "STOPPED":
                    return
                with _event:
                    _event.wait_for(lambda: _event_count != seen, timeout=_POLL_SECONDS)  # noqa: B023 - called at once

    with _event:
        if not _listening.is_set():
            _listening.set()
            threading.Thread(target=_listen, args=(client,), daemon=True, name="localcloud-ecs-endings").start()
    spawn_background(run, thread_name=f"localcloud-ecs-watch-{arn.rsplit('/', 1)[-1][:8]}")
    cluster, (kind, _, service) = ecs._cluster_name_from_arn(task["clusterArn"]), task["group"].partition(":")
    if kind == "service":
        ecs._schedule_service_deployment_completion(cluster, f"{cluster}/{service}", account, region, healthy_task=task)


def install() -> None:
    """Replace MiniStack's polling."""
    ecs._watch_task_lifecycle = _watch
