"""Queues Celery tasks through the product's API, and counts them in the workers' log."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from slipway_cli.release.verify import Answer

_LINE = re.compile(r"Task api\.tasks\.count_words\[(?P<id>[0-9a-f-]{36})\] (?P<what>received|succeeded)")

Post = Callable[[str, bytes], Answer]


@dataclass
class Queue:
    """Queues `first` tasks at once, then `rate` tasks per second; a task takes `seconds`."""

    post: Post
    url: str
    first: int
    rate: float
    seconds: float
    ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Starts queueing."""
        self._thread = threading.Thread(target=self._run, name="tasks")
        self._thread.start()

    def end(self) -> None:
        """Stops queueing."""
        self._over.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        for _ in range(self.first):
            self._queue_task()
        while not self._over.wait(1 / self.rate):
            self._queue_task()

    def _queue_task(self) -> None:
        body = json.dumps({"text": "one two three", "seconds": self.seconds}).encode()
        try:
            answer = self.post(f"{self.url}/api/v1/tasks/", body)
        except OSError as error:
            self.refused.append(f"{type(error).__name__}: {error}")
            return
        if answer.status == HTTPStatus.ACCEPTED:
            self.ids.append(answer.json()["id"])
        else:
            self.refused.append(f"HTTP {answer.status} {answer.body[:80]!r}")


@dataclass(frozen=True)
class Count:
    """The results of the tasks, by the workers' log."""

    queued: int
    lost: tuple[str, ...]
    """Tasks that never succeeded."""
    doubled: tuple[str, ...]
    """Tasks that succeeded more than once."""
    delivered_again: tuple[str, ...]
    """Tasks that were delivered again after their worker was killed."""

    def told(self) -> list[str]:
        """Returns a summary line, and a line for each lost or doubled task."""
        line = f"tasks       {self.queued} queued, {len(self.lost)} lost, {len(self.doubled)} doubled"
        again = (
            f", {len(self.delivered_again)} delivered again after their worker was killed"
            if self.delivered_again
            else ""
        )
        return [
            line + again,
            *(f"lost        {task}" for task in self.lost),
            *(f"doubled     {task}" for task in self.doubled),
        ]


def counted(ids: Iterable[str], lines: Iterable[str]) -> Count:
    """Returns the results of the tasks, from the log of all workers."""
    wanted = list(ids)
    received, succeeded = Counter[str](), Counter[str]()
    for line in lines:
        if found := _LINE.search(line):
            (received if found["what"] == "received" else succeeded)[found["id"]] += 1
    return Count(
        queued=len(wanted),
        lost=tuple(task for task in wanted if not succeeded[task]),
        doubled=tuple(task for task in wanted if succeeded[task] > 1),
        delivered_again=tuple(task for task in wanted if received[task] > 1),
    )


def in_hand(log: str) -> dict[str, datetime]:
    """Returns the unfinished tasks of a worker with the times it received them, from its log with docker's times."""
    found: dict[str, datetime] = {}
    for line in log.splitlines():
        if task := _LINE.search(line):
            if task["what"] == "received":
                found[task["id"]] = datetime.fromisoformat(line[: len("2026-01-01T00:00:00.000000")]).replace(
                    tzinfo=UTC
                )
            else:
                found.pop(task["id"], None)
    return found


def wait_for(ids: Iterable[str], lines: Callable[[], list[str]], seconds: float) -> Count:
    """Counts repeatedly until no task is lost or the time is up."""
    wanted, deadline = list(ids), time.monotonic() + seconds
    while (count := counted(wanted, lines())).lost and time.monotonic() < deadline:
        time.sleep(2)
    return count


def log_lines(logs: Any, group: str, since: float) -> list[str]:
    """Returns the log messages of all containers of a service since a time."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=int(since * 1000))
    return [str(event["message"]) for page in pages for event in page["events"]]
