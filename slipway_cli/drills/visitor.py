"""A visitor who asks a site again and again, and remembers what he got: nobody else knows whether it served."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from slipway_cli.release.verify import Answer, get

_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Visit:
    """One answer."""

    at: float
    """Seconds since the first visit."""
    took: float
    problem: str
    """Empty if the page came."""
    version: str


@dataclass
class Visitor:
    """Visits until told to stop; a context."""

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
        """The visits that got no page."""
        return [visit for visit in self.visits if visit.problem]

    @property
    def unnoticed(self) -> bool:
        """Whether whoever met an error was served when he asked again.

        The local cloud stops a task without waiting for the requests it is answering, as ECS does by the load
        balancer's deregistration delay: so one may fail here when its task is replaced.
        """
        pairs = zip(self.visits, self.visits[1:], strict=False)
        return bool(self.visits) and not any(visit.problem and next_one.problem for visit, next_one in pairs)

    @property
    def versions(self) -> list[str]:
        """The releases that answered, in the order in which they were first seen."""
        return list(dict.fromkeys(visit.version for visit in self.visits if visit.version))

    @property
    def longest_gap(self) -> float:
        """The longest time in which no page came, in seconds."""
        longest, since = 0.0, 0.0
        for visit in self.visits:
            end = visit.at + visit.took
            longest = max(longest, end - since)
            if not visit.problem:
                since = end
        return longest

    def said(self) -> str:
        """All of it, for the report."""
        problems: dict[str, int] = {}
        for visit in self.failed:
            problems[visit.problem] = problems.get(visit.problem, 0) + 1
        told = ", ".join(f"{count} times {problem}" for problem, count in problems.items())
        slowest = max((visit.took for visit in self.visits), default=0.0)
        return (
            f"{len(self.visits)} requests, {len(self.failed)} failed{f' ({told})' if told else ''}, "
            f"longest without a page {self.longest_gap:.1f} s, slowest answer {slowest:.1f} s"
        )
