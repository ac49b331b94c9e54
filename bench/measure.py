"""Measures the times of commands that run in turns, and the memory of a command."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_POLL_SECONDS = 0.01


@dataclass
class Case:
    """A command, and the times of its runs."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self) -> tuple[float, float]:
        """Runs the command, and returns wall-clock and CPU seconds, including its children.

        Raises:
            RuntimeError: if the command fails; with the end of its output.
        """
        begin = time.perf_counter()
        with subprocess.Popen(
            self.command, cwd=self.folder, env=dict(self.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            output = process.stdout.read() if process.stdout else b""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError(f"{self.name}: exit code {process.returncode}\n{output.decode()[-2000:]}")
        return took, used.ru_utime + used.ru_stime

    def measured(self) -> str:
        """Returns minimum and median for a table."""
        return f"{min(self.wall):6.2f} {statistics.median(self.wall):6.2f}   {min(self.cpu):6.2f}"

    def ratio(self, floor: Case) -> str:
        """Returns the ratios to the floor: of the minima, of the medians, of the CPU times."""
        medians = statistics.median(self.wall) / statistics.median(floor.wall)
        return f"{min(self.wall) / min(floor.wall):5.2f} {medians:5.2f}   {min(self.cpu) / min(floor.cpu):5.2f}"


def by_turns(cases: Sequence[Case], rounds: int) -> None:
    """Runs each case once per round, so that noise affects all equally, after one round that warms the caches."""
    for case in cases:
        case.run()
    for _ in range(rounds):
        for case in cases:
            wall, cpu = case.run()
            case.wall.append(wall)
            case.cpu.append(cpu)


def fit(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Returns start, slope and R² of the line that fits the points best."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    slope, start = statistics.linear_regression(xs, ys)
    return start, slope, statistics.correlation(xs, ys) ** 2


def peak_memory(case: Case) -> dict[str, float] | None:
    """Returns the peak memory in MiB of each program of a run and of all `together`; None without /proc."""
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
            time.sleep(_POLL_SECONDS)
    return {**peaks, "together": together}


def _resident(pid: int) -> list[tuple[tuple[int, str], float]]:
    """Returns the memory in MiB of a process and its descendants."""
    folder, found = Path("/proc") / str(pid), []
    try:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        if "VmRSS" in status:
            program = (folder / "exe").readlink().name
            found.append(((pid, program), int(status["VmRSS"].split()[0]) / 1024))
        below = (folder / "task" / str(pid) / "children").read_text().split()
    except OSError:  # the process ended in the meantime
        return found
    return found + [size for child in below for size in _resident(int(child))]
