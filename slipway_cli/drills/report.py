"""The output of a drill: a line for each event, a mark for each promise, and a verdict."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

_WIDTH = 110


@dataclass
class Report:
    """The report of one drill, written while the drill runs."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    broken: list[str] = field(default_factory=list)
    """The promises that were not kept."""
    kept: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """The seconds since the drill began."""
        return time.monotonic() - self._began

    def title(self, *lines: str) -> None:
        """Write the title."""
        self._write("\n".join(["", *lines, ""]))

    def say(self, text: str) -> None:
        """Write a line about an event, with its time."""
        self._write(f"{self.seconds:7.1f} s  {text}")

    def typed(self, command: str) -> None:
        """Write a command of the runbook that is being run; long lines are cut."""
        for line in command.strip().splitlines():
            self._write(f"           $ {line if len(line) <= _WIDTH else line[: _WIDTH - 1] + '…'}")

    def printed(self, text: str, most: int = 12) -> None:
        """Write the last lines of a command's output."""
        lines = [line for line in text.rstrip().splitlines() if line.strip()]
        if len(lines) > most:
            self._write(f"             … {len(lines) - most} lines before")
        for line in lines[-most:]:
            self._write(f"             {line if len(line) <= _WIDTH else line[: _WIDTH - 1] + '…'}")

    def promise(self, what: str, kept: object, seen: object = "") -> None:
        """Write whether a promise was kept, and what the drill observed."""
        if kept:
            self.kept += 1
        else:
            self.broken.append(what)
        self._write(f"  {'✔' if kept else '✘'} {what}{f': {seen}' if str(seen) else ''}")

    def verdict(self, name: str, place: str) -> int:
        """Write the result and the runbook's address. Returns the exit code."""
        result = (
            f"{self.kept} promises were kept" if not self.broken else f"promises not kept: {'; '.join(self.broken)}"
        )
        self._write(f"\n{'PASSED' if not self.broken else 'FAILED'}  {name}, {self.seconds:.0f} s: {result}")
        self._write(f"What to do in a real case: {place}")
        return 1 if self.broken else 0

    def _write(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()
