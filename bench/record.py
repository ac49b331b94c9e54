"""Runs an app and records the lines between Python and jsii's Node.js: `python -m bench.record FILE APP [ARG…]`."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import IO, Any


class _Tee:
    """A pipe that records its lines."""

    def __init__(self, pipe: IO[bytes], log: IO[bytes], mark: bytes) -> None:
        self._pipe, self._log, self._mark = pipe, log, mark

    def write(self, data: bytes) -> int:
        self._log.write(self._mark + data)
        return self._pipe.write(data)

    def readline(self) -> bytes:
        line = self._pipe.readline()
        self._log.write(self._mark + line)
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)


def main(target: str, app: str, *arguments: str) -> None:
    """Records one run; a line sent begins with `>`, a line received with `<`."""
    log = Path(target).open("wb")  # noqa: SIM115 - open until Node.js stops, at exit
    popen = subprocess.Popen

    def tee(*args: Any, **kwargs: Any) -> Any:
        node: Any = popen(*args, **kwargs)
        node.stdin, node.stdout = _Tee(node.stdin, log, b">"), _Tee(node.stdout, log, b"<")
        return node

    subprocess.Popen = tee  # type: ignore[misc, assignment]  # jsii has no other hook
    # Use jsii's own process, because the lines pass through its pipes.
    from jsii._kernel.providers.process import _NodeProcess  # noqa: PLC0415 - after the path

    from stacks import startup  # noqa: PLC0415 - after the path

    startup._DirectNode = _NodeProcess  # type: ignore[assignment, misc]  # noqa: SLF001 - the lines are the same
    sys.argv = [app, *arguments]
    runpy.run_path(app, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
