"""A visitor who requests a page of a site continuously and records each response."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import pairwise

from slipway_cli.release.verify import Answer, get

_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Visit:
    """One request and its result."""

    at: float
    """The seconds from the first visit to this one."""
    took: float
    problem: str
    """Why the page was not served; empty if it was."""
    version: str


@dataclass
class Visitor:
    """Visits a page in a thread until the `with` block ends."""

    url: str
    path: str = "/api/v1/status/"
    ask: Callable[[str], Answer] = get
    visits: list[Visit] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Visitor:
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _visit(self) -> None:
        began = time.monotonic()
        while not self._done.is_set():
            at = time.monotonic()
            problem, version = self._look()
            self.visits.append(Visit(at - began, time.monotonic() - at, problem, version))
            self._done.wait(_EVERY_SECONDS)

    def _look(self) -> tuple[str, str]:
        try:
            answer = self.ask(self.url + self.path)
        except (OSError, http.client.HTTPException) as error:
            return f"no answer: {error}", ""
        try:
            version = str(json.loads(answer.body).get("version", ""))
        except (ValueError, AttributeError):
            version = ""
        return ("" if answer.status == HTTPStatus.OK else f"HTTP {answer.status}"), version

    @property
    def failed(self) -> list[Visit]:
        """The visits without a page."""
        return [visit for visit in self.visits if visit.problem]

    @property
    def unnoticed(self) -> bool:
        """True if no two consecutive visits failed, so that a retry always succeeded.

        When the local cloud stops a task, it does not wait for open requests, as ECS does with the load balancer's
        deregistration delay: so a single request may fail here when its task is replaced.
        """
        pairs = pairwise(self.visits)
        return bool(self.visits) and not any(visit.problem and retry.problem for visit, retry in pairs)

    @property
    def versions(self) -> list[str]:
        """The versions that served pages, in the order of their first response."""
        return list(dict.fromkeys(visit.version for visit in self.visits if visit.version))

    @property
    def longest_gap(self) -> float:
        """The longest time without a page, in seconds."""
        longest, since = 0.0, 0.0
        for visit in self.visits:
            end = visit.at + visit.took
            longest = max(longest, end - since)
            if not visit.problem:
                since = end
        return longest

    def summary(self) -> str:
        """Returns the numbers of all visits and failures as text for the report."""
        problems: dict[str, int] = {}
        for visit in self.failed:
            problems[visit.problem] = problems.get(visit.problem, 0) + 1
        causes = ", ".join(f"{count} times {problem}" for problem, count in problems.items())
        slowest = max((visit.took for visit in self.visits), default=0.0)
        return (
            f"{len(self.visits)} requests, {len(self.failed)} failed{f' ({causes})' if causes else ''}, "
            f"longest time without a page {self.longest_gap:.1f} s, slowest response {slowest:.1f} s"
        )
