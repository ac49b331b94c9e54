"""Shows progress: a live table on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

State = Literal["running", "done", "failed", "skipped"]
_MARKS = {"done": ("✔", "green"), "failed": ("✘", "red"), "skipped": ("-", "yellow")}


@dataclass
class Step:
    """One step: its title, state and duration."""

    title: str
    started: float
    state: State = "running"
    detail: str = ""
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """The seconds that the step has taken, or took."""
        return (self.ended or time.monotonic()) - self.started


@dataclass
class Progress:
    """The steps of one run, in the order they began; several may run at once."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    steps: list[Step] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _live: Live | None = None
    _began: float = field(default_factory=time.monotonic)

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Show steps as they come, until the block ends."""
        console = Console(file=self.stream)
        if not console.is_terminal:
            yield self
            return
        with Live(get_renderable=self._table, console=console, refresh_per_second=8, transient=False) as live:
            self._live = live
            try:
                yield self
            finally:
                live.refresh()
                self._live = None

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run a step; an exception marks it as failed and is raised again."""
        step = Step(title, time.monotonic())
        with self._lock:
            self.steps.append(step)
        self._line(f"{title} …")
        try:
            yield step
        except BaseException:
            step.state, step.ended = "failed", time.monotonic()
            self._line(f"{title}: failed after {step.seconds:.1f} s")
            raise
        step.ended = time.monotonic()
        if step.state == "running":
            step.state = "done"
        self._line(f"{title}: {step.detail or step.state} ({step.seconds:.1f} s)")

    def detail(self, step: Step, text: str) -> None:
        """Show the progress of a running step."""
        step.detail = text
        self._line(f"{step.title}: {text}")

    def skip(self, title: str, why: str) -> None:
        """Show a step as skipped, with the reason."""
        now = time.monotonic()
        with self._lock:
            self.steps.append(Step(title, now, "skipped", why, now))
        self._line(f"{title}: skipped, {why}")

    def _line(self, text: str) -> None:
        if self._live is None:
            with self._lock:
                self.stream.write(f"[{time.monotonic() - self._began:6.1f} s] {text}\n")
                self.stream.flush()

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for step in list(self.steps):
            mark, colour = _MARKS.get(step.state, ("", ""))
            shown = Text(mark, style=colour) if mark else Spinner("dots", style="cyan")
            detail = Text(step.detail[:70], style="dim")
            table.add_row(shown, step.title, Text(f"{step.seconds:5.1f} s", style="cyan"), detail)
        return table
