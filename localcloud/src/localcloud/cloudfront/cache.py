"""The cache of an edge location: responses by cache key, with the lifetimes that policy and origin allow."""

from __future__ import annotations

import fnmatch
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

Headers = Mapping[str, Any]
Key = tuple[object, ...]
_CACHED_STATUSES = {200, 203, 204, 300, 301, 308}
_MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Lifetimes:
    """The minimum, default and maximum TTL of a cache policy, in seconds."""

    minimum: int = 0
    default: int = 0
    maximum: int = 0


@dataclass(frozen=True)
class Answer:
    """An origin's response."""

    status: int
    reason: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class _Entry:
    answer: Answer
    distribution: str
    path: str
    stored: float
    expires: float


def _directives(headers: Headers) -> dict[str, str]:
    text = str(headers.get("cache-control", ""))
    parts = (part.strip().partition("=") for part in text.lower().split(",") if part.strip())
    return {name: value.strip('"') for name, _, value in parts}


def _seconds(headers: Headers, lifetimes: Lifetimes, now: float) -> float:
    directives = _directives(headers)
    if directives.keys() & {"no-store", "no-cache", "private"}:
        return lifetimes.minimum
    for name in ("s-maxage", "max-age"):
        if re.fullmatch(r"\d+", directives.get(name, "")):
            return min(max(int(directives[name]), lifetimes.minimum), lifetimes.maximum)
    if headers.get("expires"):
        try:
            wanted = parsedate_to_datetime(str(headers["expires"])).timestamp() - now
        except ValueError:
            return lifetimes.minimum
        return min(max(wanted, lifetimes.minimum), lifetimes.maximum)
    return min(max(lifetimes.default, lifetimes.minimum), lifetimes.maximum)


class Cache:
    """Responses by key; above 256 MB, the least recently used ones are removed."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: Key) -> tuple[Answer, int] | None:
        """Returns a response that has not expired and its age in seconds, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            now = self._clock()
            if now >= entry.expires:
                self._drop(key)
                return None
            self._entries.move_to_end(key)
            return entry.answer, int(now - entry.stored)

    def keep(self, key: Key, distribution: str, path: str, answer: Answer, lifetimes: Lifetimes) -> None:
        """Store a response if its status, its headers and the policy allow."""
        now = self._clock()
        seconds = _seconds(answer.headers, lifetimes, now)
        if answer.status not in _CACHED_STATUSES or seconds <= 0 or "set-cookie" in answer.headers:
            return
        with self._lock:
            self._drop(key)
            self._entries[key] = _Entry(answer, distribution, path, now, now + seconds)
            self._bytes += len(answer.body)
            while self._bytes > _MAX_BYTES:
                self._drop(next(iter(self._entries)))

    def invalidate(self, distribution: str, patterns: list[str]) -> int:
        """Removes the matching responses; returns their number."""
        with self._lock:
            matching = [
                key
                for key, entry in self._entries.items()
                if entry.distribution == distribution and any(matches(entry.path, pattern) for pattern in patterns)
            ]
            for key in matching:
                self._drop(key)
            return len(matching)

    def clear(self) -> None:
        """Remove all responses."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry.answer.body)


def matches(path: str, pattern: str) -> bool:
    """True if an invalidation path, which may contain `*`, covers a request path."""
    wanted = pattern if pattern.startswith("/") else f"/{pattern}"
    literal = wanted.replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(path, literal)
