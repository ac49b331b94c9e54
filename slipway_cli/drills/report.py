"""What a drill says: a line when something happens, a mark for each promise, a verdict."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

_WIDTH = 110


@dataclass
class Report:
    """The report of one drill, written as it goes."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    broken: list[str] = field(default_factory=list)
    """The promises that did not hold."""
    kept: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def title(self, *lines: str) -> None:
        """The head."""
        self._write("\n".join(["", *lines, ""]))

    def say(self, text: str) -> None:
        """Something happened."""
        self._write(f"{self.seconds:7.1f} s  {text}")

    def typed(self, command: str) -> None:
        """A command of the runbook is run; long ones by their beginning."""
        for line in command.strip().splitlines():
            self._write(f"           $ {line if len(line) <= _WIDTH else line[: _WIDTH - 1] + '…'}")

    def answered(self, text: str, most: int = 12) -> None:
        """What a command printed, its end."""
        lines = [line for line in text.rstrip().splitlines() if line.strip()]
        if len(lines) > most:
            self._write(f"             … {len(lines) - most} lines before")
        for line in lines[-most:]:
            self._write(f"             {line if len(line) <= _WIDTH else line[: _WIDTH - 1] + '…'}")

    def promise(self, what: str, kept: object, seen: object = "") -> None:
        """Whether something that must hold did, and what was seen."""
        if kept:
            self.kept += 1
        else:
            self.broken.append(what)
        self._write(f"  {'✔' if kept else '✘'} {what}{f': {seen}' if str(seen) else ''}")

    def verdict(self, name: str, place: str) -> int:
        """The end; the exit code."""
        told = (
            f"{self.kept} promises held"
            if not self.broken
            else f"{len(self.broken)} did not hold: {'; '.join(self.broken)}"
        )
        self._write(f"\n{'PASSED' if not self.broken else 'FAILED'}  {name}, {self.seconds:.0f} s: {told}")
        self._write(f"What to do when it is no drill: {place}")
        return 1 if self.broken else 0

    def _write(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()
