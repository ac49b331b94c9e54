"""Runs `aws` and `docker`, bounded in time, and ends what a killed run has left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Callable, Mapping, Sequence

from slipway_host.output import Failed

# Nothing else of the caller's environment reaches `docker compose`: there it would win over the files of the release.
_KEPT = ("HOME", "LANG", "PATH", "DOCKER_HOST", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")
_MARK, _RUNNER = "SLIPWAY_HOST_STEP", "SLIPWAY_HOST_RUNNER"
_ENDING_SECONDS, _LOOK_SECONDS = 10.0, 0.05


@dataclass(frozen=True)
class Result:
    """The result of a program: exit code, standard output, and the lines of both outputs as they came."""

    code: int
    out: str
    lines: str

    def tail(self, count: int) -> str:
        """Returns the last lines."""
        return "\n".join(self.lines.rstrip().splitlines()[-count:])


class Programs:
    """Starts programs for one folder of a host. `mark` tells its processes from those of others."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self.environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self.environment.setdefault("HOME", "/root")
        self.environment.setdefault("PATH", os.defpath)
        self.environment |= {_MARK: mark, _RUNNER: f"{os.getpid()}.{_begun(os.getpid())}"}

    def run(
        self,
        words: Sequence[str],
        *,
        timeout: float,
        given: bytes = b"",
        environment: Mapping[str, str] | None = None,
        apart: bool = False,
    ) -> Result:
        """Runs a program until it ends; `timeout` is in seconds. With `apart`, errors are not in `out`.

        Raises:
            Failed: if the program is missing, or does not end in time; then it has been killed.
        """
        # Files instead of pipes: a plugin of docker may outlive docker and would keep a pipe open.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as source:
            source.write(given)
            source.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - no shell
                    list(words),
                    stdin=source,
                    stdout=output,
                    stderr=errors if apart else subprocess.STDOUT,
                    env={**self.environment, **(environment or {})},
                )
            except FileNotFoundError:
                raise Failed(
                    f"{words[0]} is not installed on this host: replace the host, or look at its first boot"
                ) from None
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._end(lambda runner: runner == self.environment[_RUNNER])
                process.wait()
                raise Failed(
                    f"'{' '.join(words[:2])} …' did not end within {timeout:.0f} seconds and was killed"
                ) from None
            out, err = _text(output), _text(errors)
            return Result(code, out, out + err)

    def end_leftovers(self) -> int:
        """Kills programs of this folder whose runner was killed; returns their number.

        Those of a runner that still runs are left alone: it waits for this one, or only reports.
        They have ended when this returns: one that was just being started is found by the next look.
        """
        return self._end(lambda runner: not _runs(runner))

    def _end(self, is_meant: Callable[[str], bool]) -> int:
        """Kills programs of this folder, by their runners; returns their number."""
        ended: set[int] = set()
        deadline = time.monotonic() + _ENDING_SECONDS
        while (found := self._started(is_meant)) and time.monotonic() < deadline:
            for process in found:
                try:
                    os.kill(process, signal.SIGKILL)
                    ended.add(process)
                except OSError:  # it has ended by itself
                    continue
            time.sleep(_LOOK_SECONDS)  # the kernel has to end them
        return len(ended)

    def _started(self, is_meant: Callable[[str], bool]) -> list[int]:
        wanted, found = f"{_MARK}={self._mark}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                # The environment of a program that has ended, and waits for its parent, is empty.
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:  # it has ended, or is not ours
                continue
            prefix = f"{_RUNNER}=".encode()
            named = next((line[len(prefix) :] for line in variables if line.startswith(prefix)), b"")
            runner = named.decode("ascii", errors="replace")  # a container may set it to anything
            if int(folder.name) != os.getpid() and wanted in variables and is_meant(runner):
                found.append(int(folder.name))
        return found


def _begun(process: int) -> str:
    """Returns when a process began, in ticks since the machine's start; empty if there is none, or it has ended."""
    try:
        # proc(5): after the name of the program, which is in parentheses and may have spaces, comes field 3, the state.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in ("Z", "X") else fields[19]
    except (OSError, IndexError):
        return ""


def _runs(runner: str) -> bool:
    found = re.fullmatch(r"([0-9]{1,10})\.([0-9]+)", runner)
    return found is not None and _begun(int(found[1])) == found[2]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
