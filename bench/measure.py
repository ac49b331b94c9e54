"""Runs commands by turns and keeps their times; watches the memory of one."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LOOK_SECONDS = 0.01


@dataclass
class Case:
    """A command, and how long each of its runs took."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self) -> tuple[float, float]:
        """One run: seconds on the wall, and of processor time with all children.

        Raises:
            RuntimeError: if the command fails, with the end of what it said.
        """
        begin = time.perf_counter()
        with subprocess.Popen(
            self.command, cwd=self.folder, env=dict(self.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            said = process.stdout.read() if process.stdout else b""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError(f"{self.name}: exit code {process.returncode}\n{said.decode()[-2000:]}")
        return took, used.ru_utime + used.ru_stime

    def measured(self) -> str:
        """Minimum and median, as they stand in a table."""
        return f"{min(self.wall):6.2f} {statistics.median(self.wall):6.2f}   {min(self.cpu):6.2f}"

    def ratio(self, floor: Case) -> str:
        """Ratios to the floor: of the minima, of the medians, of the processor times."""
        medians = statistics.median(self.wall) / statistics.median(floor.wall)
        return f"{min(self.wall) / min(floor.wall):5.2f} {medians:5.2f}   {min(self.cpu) / min(floor.cpu):5.2f}"


def by_turns(cases: Sequence[Case], rounds: int) -> None:
    """Run every case once per round, after one round that warms the caches, so that noise meets all alike."""
    for case in cases:
        case.run()
    for _ in range(rounds):
        for case in cases:
            wall, cpu = case.run()
            case.wall.append(wall)
            case.cpu.append(cpu)


def fit(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Least squares through points: where the line begins, how steep it is, and how much of the spread it explains."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    slope, start = statistics.linear_regression(xs, ys)
    return start, slope, statistics.correlation(xs, ys) ** 2


def peak_memory(case: Case) -> dict[str, float] | None:
    """The most MiB that each program of a run held, and all `together` at one moment; None where there is no /proc."""
    if not Path("/proc/self/task").exists():
        return None
    peaks: dict[str, float] = {}
    together = 0.0
    with subprocess.Popen(
        case.command, cwd=case.folder, env=dict(case.environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            now = dict(_resident(process.pid))
            for (_, program), size in now.items():
                peaks[program] = max(peaks.get(program, 0.0), size)
            together = max(together, sum(now.values()))
            time.sleep(_LOOK_SECONDS)
    return {**peaks, "together": together}


def _resident(pid: int) -> list[tuple[tuple[int, str], float]]:
    """MiB of a process and of all below it."""
    folder, found = Path("/proc") / str(pid), []
    try:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        if "VmRSS" in status:
            program = (folder / "exe").readlink().name
            found.append(((pid, program), int(status["VmRSS"].split()[0]) / 1024))
        below = (folder / "task" / str(pid) / "children").read_text().split()
    except OSError:  # it ended while we looked
        return found
    return found + [size for child in below for size in _resident(int(child))]
