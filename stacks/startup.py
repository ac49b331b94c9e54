"""Makes `cdk synth` start earlier and run faster. docs/adr/0015 has the measurements."""

from __future__ import annotations

import atexit
import gc
import os
import platform
import shutil
import socket
import subprocess
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from jsii import _runtime
from jsii._kernel.providers.process import ProcessProvider, _NodeProcess
from jsii._kernel.types import LoadRequest, LoadResponse

from paths import find_constructs

# jsii's program reads and writes file descriptor 3: this shell command moves the socket there from standard input.
_EXEC = 'exec "$@" 3<&0 0</dev/null'
_NODE_OPTIONS = ("--max-old-space-size=4069", "--preserve-symlinks")  # the same as jsii's


def prepare() -> None:
    """Prepare the process for `aws_cdk`. Call it before the first import of `aws_cdk`.

    It puts `constructs/` on `sys.path` and lets Node.js load the construct library in the background, while Python
    imports its half. The first call that needs a result waits for Node.js, and raises any error of loading.
    """
    find_constructs()
    gc.disable()  # a synth ends before collecting garbage pays; most objects come from imports and live until the end
    _runtime.kernel.provider = _AheadProvider()


class _AheadProvider(ProcessProvider):
    """Starts Node.js immediately, and sends load requests from a thread, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jsii")
        plain = os.name != "posix" or "JSII_RUNTIME" in os.environ
        kind = _NodeProcess if plain else _DirectNode
        self._node: _NodeProcess = kind()  # type: ignore[no-untyped-call]  # jsii's constructor has no types
        self._pending: deque[Future[object]] = deque([self._thread.submit(self._node.start)])

    @property
    def _process(self) -> _NodeProcess:
        while self._pending:
            self._pending.popleft().result()
        return self._node

    def load(self, request: LoadRequest) -> LoadResponse:
        self._pending.append(self._thread.submit(self._node.send, request, LoadResponse))
        return LoadResponse(assembly=request.name, types=0)


class _DirectNode(_NodeProcess):
    """Runs jsii's program in Node.js, without jsii's intermediate process that forwards every line."""

    def start(self) -> None:
        program = Path(self._jsii_runtime()).parent.parent / "lib" / "program.js"
        command = os.environ.get("JSII_NODE", "node")
        node = shutil.which(command)
        if node is None:
            raise FileNotFoundError(f"no Node.js at {command!r}; type make setup, or add Node.js to the PATH")
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - the Node.js that jsii would start
                ["/bin/sh", "-c", _EXEC, "sh", node, *_NODE_OPTIONS, str(program)],
                stdin=theirs.fileno(),
                env={**os.environ, "JSII_AGENT": f"Python/{platform.python_version()}"},
            )
        with ours:
            self._process.stdin, self._process.stdout = ours.makefile("wb"), ours.makefile("rb")
        self._process.stderr = Path(os.devnull).open("rb")  # noqa: SIM115 - closed by stop()
        self.sink_thread = threading.Thread()
        atexit.register(self.stop)
        self.handshake()
