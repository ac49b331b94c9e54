#!/usr/bin/env python3
"""The agent of a host: its metadata service, and the relays of the ports that its containers publish.

Standard library only. `agent.py ports JSON` tells the running agent which ports to relay: a list of
`[address, port, container's name, container's port]`; it prints what failed and exits with 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

METADATA = ("169.254.169.254", 80)
FOLDER = Path("/run/localcloud")
SOCKET = FOLDER / "agent.sock"
HEAD = 65536

_relays: dict[tuple[str, int], tuple[asyncio.Server, list[str]]] = {}
_changing = asyncio.Lock()  # else two commands at once would both open a port, and one of them fail


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies one direction and passes the end of the stream on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(HEAD):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, begin: bytes = b""
) -> None:
    """Joins a client's connection with one to an address; closes it if nothing listens there."""
    upstream = None
    try:
        answers, upstream = await asyncio.open_connection(host, port)
        upstream.write(begin)
        await asyncio.gather(pump(reader, upstream), pump(answers, writer))
    except OSError:
        pass
    finally:
        for stream in (writer, upstream):
            if stream is not None:
                stream.close()


# --- metadata --------------------------------------------------------------------------------------------------------


async def metadata(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Passes a request on to the local cloud, with what proves which host asks."""
    settings = json.loads((FOLDER / "host.json").read_text())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        writer.close()
        return
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"host:", b"connection:", b"x-localcloud-host:"))]
    host = f"{settings['relay']}:{settings['port']}".encode()
    own = [b"Host: " + host, b"Connection: close", b"X-Localcloud-Host: " + settings["secret"].encode()]
    await join(reader, writer, settings["relay"], settings["port"], b"\r\n".join([first, *kept, *own]) + b"\r\n\r\n")


# --- ports -----------------------------------------------------------------------------------------------------------


def listening(target: list[str]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Returns the callback of a relay; it reads its target for each connection, since containers are recreated."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await join(reader, writer, target[0], int(target[1]))

    return connected


async def publish(wanted: list[list[Any]]) -> list[str]:
    """Relays exactly the wanted ports; returns what failed."""
    async with _changing:
        return await _publish(wanted)


async def _publish(wanted: list[list[Any]]) -> list[str]:
    by_place = {(str(address), int(port)): [str(host), str(inner)] for address, port, host, inner in wanted}
    for place in [place for place in _relays if place not in by_place]:
        _relays.pop(place)[0].close()
    failed = []
    for place, target in by_place.items():
        if place in _relays:
            _relays[place][1][:] = target
            continue
        try:
            server = await asyncio.start_server(listening(target), place[0], place[1])
        except OSError as error:
            failed.append(f"listen tcp {place[0]}:{place[1]}: {error.strerror or error}")
            continue
        _relays[place] = (server, target)
    return failed


async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one command of `agent.py ports`."""
    try:
        failed = await publish(json.loads(await reader.readline()))
        writer.write(json.dumps(failed).encode() + b"\n")
        await writer.drain()
    finally:
        writer.close()


async def serve() -> None:
    """Serves until the host stops; the boot script runs beside it."""
    SOCKET.unlink(missing_ok=True)
    await asyncio.start_server(metadata, *METADATA, limit=HEAD)
    await asyncio.start_unix_server(control, str(SOCKET), limit=16 * HEAD)
    SOCKET.chmod(0o600)
    boot = await asyncio.create_subprocess_exec(sys.executable, str(Path(__file__).resolve().with_name("boot.py")))
    await boot.wait()
    await asyncio.Event().wait()


async def ask(ports: str) -> int:
    """Sends the ports to the running agent."""
    reader, writer = await asyncio.open_unix_connection(str(SOCKET))
    writer.write(json.dumps(json.loads(ports)).encode() + b"\n")
    await writer.drain()
    failed = json.loads(await reader.readline())
    sys.stdout.write("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["ports"]:
        sys.exit(asyncio.run(ask(sys.argv[2])))
    asyncio.run(serve())
