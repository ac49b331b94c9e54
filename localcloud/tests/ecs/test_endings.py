"""The end of a container is heard from Docker, not asked for again and again."""

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
    """A client that says what the test lets it say."""

    def __init__(self) -> None:
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()

    def events(self, **_filters: Any) -> Iterator[dict[str, Any]]:
        while True:
            yield self.said.get()


def test_a_task_is_looked_at_when_it_starts_and_when_docker_says_that_a_container_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, docker, looks = dict(TASK), Docker(), queue.Queue[int]()
    ended = threading.Event()

    def look(seen: dict[str, Any], _client: Any) -> None:
        if ended.is_set():
            seen["lastStatus"] = "STOPPED"
        looks.put(1)

    monkeypatch.setattr(endings, "_ASK_SECONDS", 3600.0)  # only Docker's word is left
    monkeypatch.setattr(endings, "_listening", threading.Event())
    monkeypatch.setattr(ecs, "_task_is_active", lambda _arn, _task: True)
    monkeypatch.setattr(ecs, "_maybe_mark_stopped", look)

    endings._watch(task, docker, "1", "us-east-1")
    looks.get(timeout=20)
    ended.set()
    docker.said.put({"status": "die"})
    looks.get(timeout=20)
    assert task["lastStatus"] == "STOPPED"
