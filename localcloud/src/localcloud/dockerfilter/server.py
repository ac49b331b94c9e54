"""The HTTP proxy: one request per connection, parsed and written anew, so that no second request can hide behind it."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import h11

from localcloud import settings
from localcloud.dockerfilter import daemon
from localcloud.dockerfilter.buildkit import Tunnel
from localcloud.dockerfilter.calls import Body, Build, Call, Entry
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.names import to_ecr
from localcloud.dockerfilter.rules import route, without_version

_MAX_JSON = 4 * 1024 * 1024
_CHUNK = 65536
_LEAVE_SECONDS = 2  # a client usually closes as soon as it has its answer
_SWITCHING = 101
_EMPTY = {204, 304}  # answers that have no body, so their head must not announce one (RFC 9112, 6.1)
Content = bytes | IO[bytes] | None  # None: the client's body is forwarded as a stream
logger = logging.getLogger("localcloud")


class Conversation:
    """One connection of the docker command."""

    def __init__(self, build: Build, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._build, self._reader, self._writer = build, reader, writer
        self._client = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK)
        self._daemon = h11.Connection(h11.CLIENT)
        self._upstream: daemon.Stream | None = None
        self.gives_name = False  # True if the request gives an image a name

    async def run(self) -> None:
        """Serves the request of this connection."""
        try:
            request = await self._client_event()
            if not isinstance(request, h11.Request):
                return
            await self._serve(request)
        except RefusedError as error:
            await self._reject(403, f"localcloud: {error}")
        except daemon.MissingError as error:
            await self._reject(404, str(error))
        except daemon.DaemonError as error:
            await self._reject(error.status, str(error))
        except (h11.RemoteProtocolError, ValueError, RecursionError) as error:
            await self._reject(400, f"localcloud: {error}")
        except (ConnectionError, OSError, asyncio.IncompleteReadError) as error:
            logger.debug("docker of a build: %s", error)
        finally:
            self._writer.close()
            if self._upstream is not None:
                self._upstream[1].close()

    async def _reject(self, status: int, reason: str) -> None:
        """Answers with the reason, then reads the rest of the request, so that the client gets no broken pipe."""
        try:
            await self._respond(status, {"message": reason})
            async with asyncio.timeout(_LEAVE_SECONDS):
                for _ in range(_MAX_JSON // _CHUNK):
                    if not await self._reader.read(_CHUNK):
                        return
        except (OSError, TimeoutError) as error:
            logger.debug("docker of a build: %s", error)

    async def _serve(self, request: h11.Request) -> None:
        target = urlsplit(request.target.decode())
        path = without_version(target.path)
        found = route(request.method.decode(), path, self._build.table())
        query = found.entry.parameters(parse_qs(target.query, keep_blank_values=True))
        call = Call(request.method.decode(), path, query, found.entry.body)
        call.credentials = dict(request.headers).get(b"x-registry-auth", b"")
        if found.entry.body is Body.JSON:
            call.body = json.loads(await self._read_body() or b"{}")
        await self._build.translate(call)
        await found.entry.rule(call, found.match, self._build)
        if call.carries is Body.NOTHING and await self._read_body():
            raise RefusedError(f"{call.method} {path} takes no body: pass its options as query parameters")
        if call.answer is not None:
            await self._respond(200, call.answer)
            return
        self.gives_name = call.gives_name
        if call.archive is None:
            await self._forward(request, call, found.entry, _json_or_nothing(call))
            return
        with tempfile.TemporaryDirectory(dir=_spool_folder()) as folder:
            given = Path(folder) / "given"
            await self._save(given)
            with Path(await call.archive(str(given))).open("rb") as content:
                await self._forward(request, call, found.entry, content)

    async def _save(self, path: Path) -> None:
        """Writes the client's body to a file."""
        self._send_continue()
        with path.open("wb") as file:
            while isinstance(event := await self._client_event(), h11.Data):
                file.write(event.data)

    async def _forward(self, request: h11.Request, call: Call, entry: Entry, content: Content) -> None:
        self._upstream = await daemon.connect()
        self._send_head(request, call, entry, content)
        if call.hijacks:
            await self._hijack(call)
        else:
            await self._exchange(call, content)

    # --- request to the daemon ---------------------------------------------------------------------------------------

    async def _client_event(self) -> Any:
        while (event := self._client.next_event()) is h11.NEED_DATA:
            self._client.receive_data(await self._reader.read(_CHUNK))
        return event

    async def _read_body(self) -> bytes:
        body = b""
        while isinstance(event := await self._client_event(), h11.Data):
            body += event.data
            if len(body) > _MAX_JSON:
                raise RefusedError("the request is too long")
        return body

    def _send_head(self, request: h11.Request, call: Call, entry: Entry, content: Content) -> None:
        """Sends the head, with only those headers of the client that the table allows, and a body that is in memory."""
        headers = [(b"Host", b"docker"), (b"User-Agent", self._build.agent.encode())]
        headers += [(name, value) for name, value in request.headers if entry.passes(name.decode())]
        if call.hijacks:
            protocol = b"h2c" if call.path in ("/grpc", "/session") else b"tcp"
            headers += [(b"Connection", b"Upgrade"), (b"Upgrade", protocol)]
        else:
            headers.append((b"Connection", b"close"))
        if call.carries is not Body.NOTHING:
            headers.append((b"Content-Type", call.carries.value.encode()))
        size = str(len(content)).encode() if isinstance(content, bytes) else b""
        framing = (b"Content-Length", size) if size else (b"Transfer-Encoding", b"chunked")
        query = f"?{urlencode(call.query, doseq=True)}" if call.query else ""
        head = h11.Request(method=call.method, target=daemon.API + call.path + query, headers=[*headers, framing])
        self._to_daemon(head)
        if isinstance(content, bytes):
            self._to_daemon(h11.Data(content))
            self._to_daemon(h11.EndOfMessage())

    def _to_daemon(self, event: Any) -> None:
        if self._upstream is not None and (data := self._daemon.send(event)):
            self._upstream[1].write(data)

    def _send_continue(self) -> None:
        if self._client.they_are_waiting_for_100_continue:
            self._writer.write(self._client.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")

    async def _send_body(self, content: Content) -> None:
        """Sends a body that is not in memory: a file, or the body of the client's request."""
        if self._upstream is None or self._daemon.our_state is not h11.SEND_BODY:
            return
        if content is None:
            self._send_continue()
            while isinstance(event := await self._client_event(), h11.Data):
                self._to_daemon(event)
                await self._upstream[1].drain()
        elif not isinstance(content, bytes):
            while data := await asyncio.to_thread(content.read, _CHUNK):
                self._to_daemon(h11.Data(data))
                await self._upstream[1].drain()
        self._to_daemon(h11.EndOfMessage())

    # --- answer to the client ----------------------------------------------------------------------------------------

    async def _daemon_event(self) -> Any:
        while (event := self._daemon.next_event()) is h11.NEED_DATA:
            if self._upstream is None:
                return None
            self._daemon.receive_data(await self._upstream[0].read(_CHUNK))
        return event

    async def _exchange(self, call: Call, content: Content) -> None:
        sending = asyncio.create_task(self._send_body(content))
        leaving = asyncio.create_task(self._client_leaves(sending))
        answering = asyncio.create_task(self._answer(call))
        try:
            with self._build.counting(call.path == "/build"):
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if call.gives_name and sending.done() and sending.exception() is None:
                await self._wait_for_daemon(answering)
            if answering.done():
                answering.result()
        finally:
            for task in (sending, leaving, answering):
                task.cancel()
            await asyncio.gather(sending, leaving, answering, return_exceptions=True)

    async def _wait_for_daemon(self, answering: asyncio.Task[None]) -> None:
        """Waits for the daemon's answer even if the client has left: only then can the name of the image be removed."""
        await asyncio.wait({answering})
        while self._upstream is not None and await self._upstream[0].read(_CHUNK):
            continue

    async def _client_leaves(self, sending: asyncio.Task[None]) -> None:
        """Returns when the client closes its connection, which ends the request (logs, events, a pull)."""
        await asyncio.wait({sending})
        while await self._reader.read(_CHUNK):
            continue

    async def _answer(self, call: Call) -> None:
        head = await self._daemon_event()
        while isinstance(head, h11.InformationalResponse):
            head = await self._daemon_event()
        if not isinstance(head, h11.Response):
            return
        is_json = b"application/json" in dict(head.headers).get(b"content-type", b"")
        failed = head.status_code >= daemon.BAD_REQUEST
        if call.on_created is not None or ((call.rewrites_answer or failed) and is_json):
            await self._send_rewritten(call, head)
            return
        self._to_client(h11.Response(status_code=head.status_code, headers=_closing_headers(head)))
        while isinstance(event := await self._daemon_event(), h11.Data):
            self._to_client(event)
            await self._writer.drain()
        if call.on_streamed is not None and head.status_code in daemon.OK:
            await call.on_streamed()
        self._to_client(h11.EndOfMessage())
        await self._writer.drain()

    async def _send_rewritten(self, call: Call, head: h11.Response) -> None:
        content = b""
        while isinstance(event := await self._daemon_event(), h11.Data):
            content += event.data
        if call.on_created is not None and head.status_code in daemon.OK:
            await call.on_created(json.loads(content or b"null"))
        if head.status_code in _EMPTY:
            self._to_client(h11.Response(status_code=head.status_code, headers=[("Connection", "close")]))
            self._to_client(h11.EndOfMessage())
            await self._writer.drain()
            return
        rewrites = call.rewrites_answer or head.status_code >= daemon.BAD_REQUEST
        await self._respond(head.status_code, self._build.outward(call, to_ecr(content)) if rewrites else content)

    def _to_client(self, event: Any) -> None:
        if data := self._client.send(event):
            self._writer.write(data)

    async def _respond(self, status: int, content: Any) -> None:
        if self._client.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close")]
        self._to_client(h11.Response(status_code=status, headers=headers))
        self._to_client(h11.Data(body))
        self._to_client(h11.EndOfMessage())
        await self._writer.drain()

    # --- upgraded connections ----------------------------------------------------------------------------------------

    async def _hijack(self, call: Call) -> None:
        """Copies bytes in both directions once the daemon has upgraded the connection; otherwise sends its answer."""
        if self._upstream is None:
            return
        head = await self._daemon_event()
        if not isinstance(head, h11.InformationalResponse) or head.status_code != _SWITCHING:
            await self._refused_upgrade(head)
            return
        rest, _closed = self._daemon.trailing_data
        begun, _closed = self._client.trailing_data
        names = b"".join(name + b": " + value + b"\r\n" for name, value in head.headers.raw_items())
        self._writer.write(b"HTTP/1.1 101 UPGRADED\r\n" + names + b"\r\n")
        await self._writer.drain()
        if call.grpc:
            tunnel = Tunnel((self._reader, self._writer), self._upstream, self._build)
            with self._build.counting(True):
                await tunnel.run(begun, rest)
            return
        self._writer.write(rest)
        self._upstream[1].write(begun)
        open_ones = self._build.attached.setdefault(call.path, set())
        open_ones.add(self._upstream[1])
        down = asyncio.create_task(_pump(self._upstream[0], self._writer))
        up = asyncio.create_task(_pump(self._reader, self._upstream[1]))
        # A command continues after the end of its input, but the builder's session ends only with the client.
        either = {up, down} if call.path == "/session" else {down}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            open_ones.discard(self._upstream[1])
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _refused_upgrade(self, head: Any) -> None:
        if not isinstance(head, h11.Response):
            return
        content = b""
        while isinstance(event := await self._daemon_event(), h11.Data):
            content += event.data
        await self._respond(head.status_code, content)


def _json_or_nothing(call: Call) -> bytes | None:
    if call.carries is Body.JSON:
        return json.dumps(call.body).encode()
    return b"" if call.carries is Body.NOTHING else None


def _spool_folder() -> Path:
    """Returns the folder for archives that are read completely before they are forwarded."""
    folder = settings.current().run / "docker"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _closing_headers(head: h11.Response) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in head.headers if name not in (b"connection", b"transfer-encoding")]
    framed = head.status_code in _EMPTY or any(name == b"content-length" for name, _value in kept)
    return [*kept, (b"Connection", b"close"), *([] if framed else [(b"Transfer-Encoding", b"chunked")])]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        return
