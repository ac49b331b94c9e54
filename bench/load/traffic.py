"""Sends requests at a steady rate, regardless of how fast the answers arrive."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

from slipway_cli.release.verify import Answer

_WORKERS = 64
_OUTLIER = 99


@dataclass
class Traffic:
    """Sends `rate` requests per second to `addresses` in turn, from `begin` to `end`."""

    ask: Callable[[str], Answer]
    addresses: Sequence[str]
    rate: float
    answered: list[tuple[float, float]] = field(default_factory=list)
    """The start time and duration of each successful request, in seconds."""
    failed: list[str] = field(default_factory=list)
    """The address and the problem of each failed request."""
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _started: float = 0.0

    def begin(self) -> None:
        """Starts sending requests."""
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="traffic")
        self._thread.start()

    def end(self) -> None:
        """Stops, and waits for the pending answers."""
        self._over.set()
        if self._thread:
            self._thread.join()

    @property
    def measured_rate(self) -> float:
        """Returns the actual number of requests per second."""
        last = max((when for when, _ in self.answered), default=0.0)
        return (len(self.answered) + len(self.failed)) / last if last else 0.0

    def told(self) -> list[str]:
        """Returns the results as lines of text."""
        durations = sorted(seconds for _, seconds in self.answered)
        sent = len(durations) + len(self.failed)
        lines = [f"requests    {sent} at {self.measured_rate:.1f} a second, {len(self.failed)} failed"]
        if len(durations) > _OUTLIER:
            parts = statistics.quantiles(durations, n=100)
            lines.append(
                f"answers     median {parts[49] * 1000:.0f} ms, 95 of 100 within {parts[94] * 1000:.0f} ms, "
                f"99 within {parts[98] * 1000:.0f} ms, slowest {durations[-1] * 1000:.0f} ms"
            )
        lines += [f"failed      {times} times: {problem}" for problem, times in Counter(self.failed).most_common(5)]
        return lines

    def _run(self) -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            for number in count():
                pause = self._started + number / self.rate - time.monotonic()
                if self._over.wait(max(pause, 0)):
                    return
                pool.submit(self._once, self.addresses[number % len(self.addresses)])

    def _once(self, address: str) -> None:
        began = time.monotonic()
        try:
            answer = self.ask(address)
        except OSError as error:
            self.failed.append(f"{address}: {type(error).__name__}: {error}")
            return
        if answer.status != HTTPStatus.OK:
            self.failed.append(f"{address}: HTTP {answer.status} {answer.body[:80]!r}")
            return
        self.answered.append((began - self._started, time.monotonic() - began))
