"""The end of a container is detected with Docker's events, not by polling."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import ecs

from localcloud.ecs import endings

TASK = {
    "taskArn": "arn:aws:ecs:us-east-1:1:task/c/t",
    "clusterArn": "arn:aws:ecs:us-east-1:1:cluster/c",
    "group": "family:f",
}


class Docker:
    """A Docker client whose events the test sends."""

    def __init__(self) -> None:
        self.pending: queue.Queue[dict[str, Any]] = queue.Queue()

    def events(self, **_filters: Any) -> Iterator[dict[str, Any]]:
        while True:
            yield self.pending.get()


def test_a_task_is_checked_when_it_starts_and_when_docker_reports_the_end_of_a_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, docker, looks = dict(TASK), Docker(), queue.Queue[int]()
    ended = threading.Event()

    def look(seen: dict[str, Any], _client: Any) -> None:
        if ended.is_set():
            seen["lastStatus"] = "STOPPED"
        looks.put(1)

    monkeypatch.setattr(endings, "_POLL_SECONDS", 3600.0)  # only events are left
    monkeypatch.setattr(endings, "_listening", threading.Event())
    monkeypatch.setattr(ecs, "_task_is_active", lambda _arn, _task: True)
    monkeypatch.setattr(ecs, "_maybe_mark_stopped", look)

    endings._watch(task, docker, "1", "us-east-1")
    looks.get(timeout=20)
    ended.set()
    docker.pending.put({"status": "die"})
    looks.get(timeout=20)
    assert task["lastStatus"] == "STOPPED"
