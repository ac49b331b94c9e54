"""Celery tasks: queued through the product's API, and counted in the workers' log."""

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
    """`first` tasks at once, so that there is a queue, and then `rate` a second; each takes `seconds`."""

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
        """Start queueing."""
        self._thread = threading.Thread(target=self._run, name="tasks")
        self._thread.start()

    def end(self) -> None:
        """Queue nothing more."""
        self._over.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        for _ in range(self.first):
            self._one()
        while not self._over.wait(1 / self.rate):
            self._one()

    def _one(self) -> None:
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
    """What became of the tasks, by the workers' own words."""

    queued: int
    lost: tuple[str, ...]
    """Never ended well."""
    doubled: tuple[str, ...]
    """Ended well more than once."""
    delivered_again: tuple[str, ...]
    """Begun again, because the worker that had it was gone."""

    def told(self) -> list[str]:
        """In one line, and one for each task that went wrong."""
        line = f"tasks       {self.queued} queued, {len(self.lost)} lost, {len(self.doubled)} doubled"
        again = f", {len(self.delivered_again)} begun again after its worker was gone" if self.delivered_again else ""
        return [
            line + again,
            *(f"lost        {task}" for task in self.lost),
            *(f"doubled     {task}" for task in self.doubled),
        ]


def counted(ids: Iterable[str], lines: Iterable[str]) -> Count:
    """Count, by the log of all workers."""
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
    """Tasks that a worker has received and not ended, with the time it received them; its log has docker's times."""
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
    """Count again and again, until nothing is lost or the time is over."""
    wanted, deadline = list(ids), time.monotonic() + seconds
    while (count := counted(wanted, lines())).lost and time.monotonic() < deadline:
        time.sleep(2)
    return count


def log_lines(logs: Any, group: str, since: float) -> list[str]:
    """What all containers of a service have written since then."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=int(since * 1000))
    return [str(event["message"]) for page in pages for event in page["events"]]
