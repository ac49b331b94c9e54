"""What makes synthesis start sooner and go on faster: docs/adr/0015 has by how much."""

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

# The sh in between gives Node.js its end of the socket as file 3, where jsii's program reads and writes.
_EXEC = 'exec "$@" 3<&0 0</dev/null'
_NODE_OPTIONS = ("--max-old-space-size=4069", "--preserve-symlinks")  # as jsii gives them


def prepare() -> None:
    """Call it before the first import of `aws_cdk`.

    `constructs/` is found, and Node.js loads the construct library while Python imports its stubs, which would else
    wait for it. The first call that needs an answer waits, and raises what went wrong with a library.
    """
    find_constructs()
    gc.disable()  # a synth is over before there is garbage worth collecting, and imports make most of what is looked at
    _runtime.kernel.provider = _AheadProvider()


class _AheadProvider(ProcessProvider):
    """Starts Node.js at once, and sends requests to load from a thread, in their order."""

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
    """Node.js with jsii's program, without the process between that carries every line of it to and fro."""

    def start(self) -> None:
        program = Path(self._jsii_runtime()).parent.parent / "lib" / "program.js"
        wanted = os.environ.get("JSII_NODE", "node")
        node = shutil.which(wanted)
        if node is None:
            raise FileNotFoundError(f"no Node.js at {wanted!r}; type make setup, or put one on the PATH")
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
