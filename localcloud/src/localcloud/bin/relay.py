"""Forwards TCP connections of the docker network to the local cloud's unix socket. Standard library only."""

import asyncio
import contextlib
import sys


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction; pass the end of the stream on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Join one connection with the server's."""
    upstream = None
    try:
        answers, upstream = await asyncio.open_unix_connection("/sock/gateway.sock")
        await asyncio.gather(pump(reader, upstream), pump(answers, writer))
    except OSError as error:
        sys.stderr.write(f"relay: {error}\n")
    finally:
        for stream in (writer, upstream):
            if stream is not None:
                stream.close()


async def main() -> None:
    """Listen on every port named on the command line."""
    servers = [await asyncio.start_server(connected, "0.0.0.0", int(port)) for port in sys.argv[1:]]  # noqa: S104 - in a container of a network of its own
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
