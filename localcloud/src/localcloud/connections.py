"""Closes a connection of the server when its client has closed it.

Hypercorn keeps it until the end of `keep_alive_timeout`, which is a day here: an open file for each request of a client
that makes a new connection every time. After 20,000 the server accepts none.
"""

from __future__ import annotations

from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import AsyncioSingleTask

SYMBOLS = (
    "hypercorn.asyncio.tcp_server:TCPServer._read_data",
    "hypercorn.asyncio.worker_context:AsyncioSingleTask.restart",
)

_read_until_the_end = TCPServer._read_data


class _Ended(AsyncioSingleTask):
    """Waits for no further request: the client cannot send one."""

    async def restart(self, *_: Any) -> None:
        """Does nothing; the answer of an earlier request asks for it."""


async def _read(server: TCPServer) -> None:
    """Reads until the client has closed, then ends the wait for its next request."""
    try:
        await _read_until_the_end(server)
    finally:
        waiting, server.idle_task = server.idle_task, _Ended()
        await waiting.stop()


def install() -> None:
    """Replaces how the server reads a connection."""
    TCPServer._read_data = _read  # type: ignore[assignment, method-assign]  # hypercorn has no setting for it
