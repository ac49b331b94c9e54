"""Node.js loads the construct library while Python imports its stubs, which would else wait for it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from jsii import _runtime
from jsii._kernel.providers.process import ProcessProvider, _NodeProcess
from jsii._kernel.types import LoadRequest, LoadResponse


def load_ahead() -> None:
    """From here on, what jsii loads is loaded in the background; call it before the first import of `aws_cdk`.

    The first call that needs an answer waits for it, and raises what went wrong. By how much a synth gets faster:
    docs/adr/0010.
    """
    _runtime.kernel.provider = _AheadProvider()


class _AheadProvider(ProcessProvider):
    """Starts Node.js at once, and sends requests to load from a thread, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jsii")
        self._node = _NodeProcess()  # type: ignore[no-untyped-call]  # jsii types it in part
        self._pending: deque[Future[object]] = deque([self._thread.submit(self._node.start)])

    @property
    def _process(self) -> _NodeProcess:
        while self._pending:
            self._pending.popleft().result()
        return self._node

    def load(self, request: LoadRequest) -> LoadResponse:
        self._pending.append(self._thread.submit(self._node.send, request, LoadResponse))
        return LoadResponse(assembly=request.name, types=0)
