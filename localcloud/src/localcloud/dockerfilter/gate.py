"""The socket of one client of the Docker daemon, and the event loop of all of them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud import settings
from localcloud.dockerfilter import images, registry
from localcloud.dockerfilter.calls import Build
from localcloud.dockerfilter.server import Conversation

SYMBOLS: tuple[str, ...] = registry.SYMBOLS
_OPENING_SECONDS = 10


def install() -> None:
    """Adds the IAM check to the registry, and hides images that clients have named from the rest of the local cloud."""
    registry.install()
    if settings.current().docker:
        images.install()


class _Loop:
    """The event loop of all proxies, on a thread of its own: they must not block the event loop of the server."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Any) -> Any:
        """Runs a coroutine on the loop and returns its result."""
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True, name="codebuild-docker").start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_OPENING_SECONDS)


_loop = _Loop()


class Gate:
    """The Docker socket of one build. `close` removes the socket and ends the requests that came through it."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._server: asyncio.Server | None = None
        self._conversations: dict[asyncio.Task[None], Conversation] = {}
        self._naming: set[asyncio.Task[None]] = set()  # requests that give an image a name: they outlast the build
        # The name is short: the path of a socket has at most 108 bytes.
        self.socket: Path = settings.current().run / "docker" / f"{uuid.uuid4().hex[:8]}.sock"

    async def open(self) -> None:
        """Creates the socket and starts to listen."""
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.socket))
        self.socket.chmod(0o666)  # the build may run as any user of its container

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(self._build, reader, writer)
        task = asyncio.current_task()
        if task is not None:
            self._conversations[task] = conversation
            task.add_done_callback(self._conversations.pop)
        with contextlib.suppress(asyncio.CancelledError):  # the build has ended
            await conversation.run()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        naming = {task for task, conversation in self._conversations.items() if conversation.gives_name}
        ending = set(self._conversations) - naming
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._naming = naming

    def close(self) -> None:
        """Stops listening and ends the requests in progress."""
        registry.unregister(self._build)
        _loop.run(self._close())
        self.socket.unlink(missing_ok=True)

    def remove_names(self) -> None:
        """Removes the image names that the build gave. Its containers must be removed first: they keep the images."""
        _loop.run(images.release(self._build.id, self._naming))


def opened(build: Build) -> Gate:
    """Opens the gate of a client."""
    registry.register(build)
    gate = Gate(build)
    _loop.run(gate.open())
    return gate


def in_thread(work: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a coroutine function that runs blocking work in the account and region of this thread."""
    context = contextvars.copy_context()

    async def run(*arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, functools.partial(context.copy().run, work, *arguments))

    return run
