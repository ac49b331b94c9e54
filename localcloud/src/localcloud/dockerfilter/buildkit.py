"""Forwards the gRPC calls of `docker build` to BuildKit: image builds are checked, and image names are translated.

`docker build` speaks HTTP/2 to the daemon's BuildKit over an upgraded connection. Most streams are copied. A message
that starts an image build is read completely, refused if it requests access to the host, and sent with the image names
of the local registry.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from localcloud.dockerfilter import protobuf
from localcloud.dockerfilter.calls import PULL, PUSH, Build
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.names import InvalidNameError, repositories_in, target, to_local
from localcloud.dockerfilter.protobuf import BYTES

CONTROL_SOLVE = "/moby.buildkit.v1.Control/Solve"
BRIDGE_SOLVE = "/moby.buildkit.v1.frontend.LLBBridge/Solve"
RESOLVE = "/moby.buildkit.v1.frontend.LLBBridge/ResolveImageConfig"
SOURCE = "/moby.buildkit.v1.frontend.LLBBridge/ResolveSourceMeta"
_COPIED = {
    "/moby.buildkit.v1.Control/Session",
    "/moby.buildkit.v1.Control/Status",
    "/moby.buildkit.v1.Control/ListWorkers",
    "/moby.buildkit.v1.Control/Info",
    "/grpc.health.v1.Health/Check",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
}
_BRIDGE = "/moby.buildkit.v1.frontend.LLBBridge/"
# Without the calls that start containers of a frontend (NewContainer, ExecProcess): old daemons grant them every
# privilege that is requested, CVE-2024-23653.
_BRIDGED = {
    _BRIDGE + call for call in ("Evaluate", "Inputs", "Ping", "ReadDir", "ReadFile", "Return", "StatFile", "Warn")
}
_HISTORY = ("/moby.buildkit.v1.Control/ListenBuildHistory", "/moby.buildkit.v1.Control/UpdateBuildHistory")
_PERMISSION_DENIED, _UNIMPLEMENTED = "7", "12"
_FRAME = 5  # bytes before a message: the compression flag and the length
_WINDOW = 4 * 1024 * 1024
_NAMED = ("cache-from", "cache-imports", "context:", "build-arg:", "source", "filename")


# --- messages --------------------------------------------------------------------------------------------------------


def _options(value: bytes) -> bytes:
    """Checks an option of the Dockerfile frontend and translates its image names."""
    key, text = protobuf.entry(value)
    if key == "force-network-mode" and text == "host":
        raise RefusedError("build --network host is refused: it gives access to the machine that runs the local cloud")
    if key == "cgroup-parent" and text:
        raise RefusedError("build --cgroup-parent is refused")
    return protobuf.text_entry(key, to_local(text)) if key.startswith(_NAMED) else value


def _attribute(value: bytes) -> bytes:
    key, text = protobuf.entry(value)
    if key == "name":  # the checked names replace the given ones; BuildKit accepts a comma-separated list
        text = ",".join(str(target(name.strip())) for name in text.split(",") if name.strip())
    return protobuf.text_entry(key, to_local(text))


def _text(value: bytes) -> bytes:
    return to_local(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _typed(value: bytes) -> bytes:
    """Translates a cache or an exporter, whose attributes may contain an image name."""
    return protobuf.changed(value, {2: _attribute})


def _cache(value: bytes) -> bytes:
    return protobuf.changed(value, {1: _text, 2: _text, 3: _attribute, 4: _typed, 5: _typed})


def _entitlement(value: bytes) -> bytes:
    raise RefusedError(f"the entitlement {value.decode('utf-8', 'replace')} is refused: it gives access to the host")


def _parts(message: bytes, *path: int) -> list[bytes]:
    """Returns the fields of a message at a path of field numbers."""
    if not path:
        return [message]
    inner = [value for number, kind, value in protobuf.fields(message) if number == path[0] and kind == BYTES]
    return [part for value in inner for part in _parts(value, *path[1:])]


_EXPORTED = ((4,), (13, 2))  # attributes of the exporter, and of the list of exporters that newer clients send
_CACHED = ((8, 1), (8, 3), (8, 4))  # destinations of a cache


def names_of(solve: bytes) -> list[str]:
    """Returns the names that an image build gives to its image."""
    attributes = [part for path in _EXPORTED for part in _parts(solve, *path)]
    named = [text for key, text in map(protobuf.entry, attributes) if key == "name"]
    return [name.strip() for text in named for name in text.split(",") if name.strip()]


def pushes(solve: bytes) -> bool:
    """True if BuildKit itself pushes the image; the docker command pushes it with a separate call."""
    attributes = [part for path in _EXPORTED for part in _parts(solve, *path)]
    return any(key.startswith("push") and text != "false" for key, text in map(protobuf.entry, attributes))


def pushed_by(solve: bytes) -> set[str]:
    """Returns the repositories of the local registry to which an image build exports its cache."""
    return _repositories(part for path in _CACHED for part in _parts(solve, *path))


def pulled_by(path: str, message: bytes) -> set[str]:
    """Returns the repositories of the local registry that a call uses as sources, in its options or build graph."""
    sources = [value for number, kind, value in protobuf.fields(message) if kind == BYTES]
    if path == CONTROL_SOLVE:
        exports = {4, 8, 13}
        sources = [value for number, kind, value in protobuf.fields(message) if kind == BYTES and number not in exports]
        sources += [value for imports in ((8, 2), (8, 5)) for value in _parts(message, *imports)]
    return _repositories(sources)


def _repositories(values: Iterable[bytes]) -> set[str]:
    return {name for value in values for text in protobuf.texts(value) for name in repositories_in(text)}


#: Call -> functions that check and translate fields of its request, by field number.
#: They are defined in BuildKit's control.proto and gateway.proto.
_CHANGES: dict[str, dict[int, Callable[[bytes], bytes]]] = {
    CONTROL_SOLVE: {4: _attribute, 7: _options, 8: _cache, 9: _entitlement, 13: _typed},
    BRIDGE_SOLVE: {3: _options, 4: _text, 12: _typed},
    RESOLVE: {1: _text},
    SOURCE: {1: lambda operation: protobuf.changed(operation, {1: _text})},
}


def rewritten(path: str, body: bytes) -> bytes:
    """Returns the message of a call as it is sent to the daemon.

    Raises:
        RefusedError: if the message cannot be read, or if it requests access to the host.
    """
    if len(body) < _FRAME or body[0] != 0 or struct.unpack(">I", body[1:_FRAME])[0] != len(body) - _FRAME:
        raise RefusedError("the local cloud reads only whole, uncompressed messages of BuildKit")
    try:
        message = protobuf.changed(body[_FRAME:], _CHANGES[path])
    except InvalidNameError as error:
        raise RefusedError(str(error)) from error
    except (protobuf.MalformedError, UnicodeDecodeError) as error:
        raise RefusedError(f"the message of {path} cannot be read: {error}") from error
    return struct.pack(">BI", 0, len(message)) + message


# --- streams ---------------------------------------------------------------------------------------------------------


@dataclass
class _Piece:
    """Data to forward, and how many bytes of the sender's flow-control window it occupies."""

    data: bytes
    held: int
    end: bool


@dataclass
class _Side:
    """One of the two HTTP/2 connections: that of the client or that of the daemon."""

    connection: H2Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    other: Any = None
    peers: dict[int, int] = field(default_factory=dict)  # id of a stream -> id of the same stream on the other side
    waiting: dict[int, deque[_Piece]] = field(default_factory=dict)
    trailers: dict[int, Any] = field(default_factory=dict)

    def send(self, stream: int, piece: _Piece) -> None:
        """Queues data and sends as much as the flow-control window allows."""
        self.waiting.setdefault(stream, deque()).append(piece)
        self.drain(stream)

    def drain(self, stream: int) -> None:
        """Sends as much queued data as the flow-control window of the stream allows."""
        pieces = self.waiting.get(stream)
        while pieces:
            piece = pieces[0]
            room = min(self.connection.local_flow_control_window(stream), self.connection.max_outbound_frame_size)
            if piece.data and room <= 0:
                return
            part, piece.data = piece.data[:room], piece.data[room:]
            self.connection.send_data(stream, part, end_stream=piece.end and not piece.data)
            if not piece.data:
                pieces.popleft()
                self._release(stream, piece.held)
        if stream in self.trailers and not self.waiting.get(stream):
            self.connection.send_headers(stream, self.trailers.pop(stream), end_stream=True)

    def _release(self, stream: int, held: int) -> None:
        origin = self.peers.get(stream)
        if held and origin is not None:
            try:
                self.other.connection.acknowledge_received_data(held, origin)
            except (ProtocolError, ValueError, KeyError):
                return  # that stream has ended

    def flush(self) -> None:
        """Writes the bytes of the connection to its socket."""
        if data := self.connection.data_to_send():
            self.writer.write(data)


class Tunnel:
    """Forwards calls between an upgraded connection of a client and one of the daemon."""

    def __init__(self, client: Any, daemon: Any, build: Build) -> None:
        self._client = _Side(H2Connection(H2Configuration(client_side=False, header_encoding="utf-8")), *client)
        self._daemon = _Side(H2Connection(H2Configuration(client_side=True, header_encoding="utf-8")), *daemon)
        self._client.other, self._daemon.other = self._daemon, self._client
        self._build = build
        #: Calls that are read completely before they are forwarded.
        self._held: dict[int, tuple[str, Any, bytearray]] = {}

    async def run(self, from_client: bytes, from_daemon: bytes) -> None:
        """Forwards calls until one side closes, beginning with the bytes that were received with the upgrade."""
        for side in (self._client, self._daemon):
            side.connection.local_settings.initial_window_size = _WINDOW
            side.connection.initiate_connection()
            side.connection.increment_flow_control_window(_WINDOW)
            side.flush()
        begun = ((self._client, from_client), (self._daemon, from_daemon))
        copying = [asyncio.create_task(self._copy(side, data)) for side, data in begun]
        await asyncio.wait(copying, return_when=asyncio.FIRST_COMPLETED)
        for task in copying:
            task.cancel()
        await asyncio.gather(*copying, return_exceptions=True)

    async def _copy(self, side: _Side, data: bytes) -> None:
        while data := data or await side.reader.read(65536):
            for event in side.connection.receive_data(data):
                if isinstance(event, ConnectionTerminated):
                    return
                await self._handle(side, event)
            for destination in (side, side.other):
                for stream in list(destination.waiting):
                    destination.drain(stream)
                destination.flush()
            for destination in (side, side.other):
                await destination.writer.drain()
            data = b""

    async def _handle(self, side: _Side, event: Event) -> None:
        try:
            if isinstance(event, RequestReceived):
                self._request(event)
            elif isinstance(event, DataReceived):
                self._data(side, event)
            elif isinstance(event, StreamEnded):
                await self._end(side, event)
            elif isinstance(event, ResponseReceived) and event.stream_id in side.peers:
                side.other.connection.send_headers(
                    side.peers[event.stream_id], event.headers, end_stream=event.stream_ended is not None
                )
            elif isinstance(event, TrailersReceived) and event.stream_id in side.peers:
                peer = side.peers[event.stream_id]
                side.other.trailers[peer] = event.headers
                side.other.drain(peer)
            elif isinstance(event, StreamReset) and event.stream_id in side.peers:
                peer = side.peers[event.stream_id]
                side.other.waiting.pop(peer, None)
                side.other.connection.reset_stream(peer, event.error_code)
        except (ProtocolError, KeyError):
            return  # the stream has already ended on one of the sides

    def _request(self, event: RequestReceived) -> None:
        headers: Any = event.headers or []
        path = str(dict(headers).get(":path"))
        if path in _CHANGES:
            self._held[event.stream_id] = (path, headers, bytearray())
        elif path in _COPIED or path in _BRIDGED:
            self._open(event.stream_id, headers)
        elif path in _HISTORY:
            self._deny(event.stream_id, _UNIMPLEMENTED, "unknown service or method")
        elif path.startswith(_BRIDGE):
            self._deny(event.stream_id, _PERMISSION_DENIED, f"{path} is refused: builds may not use it")
        else:
            self._deny(event.stream_id, _PERMISSION_DENIED, f"{path} is refused: the cache of builds is shared")

    def _open(self, stream: int, headers: Any) -> None:
        upstream = self._daemon.connection.get_next_available_stream_id()
        self._client.peers[stream], self._daemon.peers[upstream] = upstream, stream
        self._daemon.connection.send_headers(upstream, headers)

    def _data(self, side: _Side, event: DataReceived) -> None:
        stream, data, held = event.stream_id, event.data or b"", event.flow_controlled_length or 0
        if side is self._client and stream in self._held:
            self._held[stream][2].extend(data)
            side.connection.acknowledge_received_data(held, stream)
        elif stream in side.peers:
            side.other.send(side.peers[stream], _Piece(data, held, end=False))
        else:
            side.connection.acknowledge_received_data(held, stream)

    async def _end(self, side: _Side, event: StreamEnded) -> None:
        stream = event.stream_id
        if side is self._client and stream in self._held:
            path, headers, body = self._held.pop(stream)
            try:
                message = rewritten(path, bytes(body))
                await self._check(path, message[_FRAME:])
            except RefusedError as error:
                self._deny(stream, _PERMISSION_DENIED, str(error))
                return
            self._open(stream, headers)
            self._daemon.send(self._client.peers[stream], _Piece(message, 0, end=True))
        elif side is self._client and stream in side.peers:
            side.other.send(side.peers[stream], _Piece(b"", 0, end=True))

    async def _check(self, path: str, message: bytes) -> None:
        """Raises `RefusedError` if the build may not use the image names or repositories of a call."""
        await self._build.check_allowed(PULL, *sorted(pulled_by(path, message)))
        if path == CONTROL_SOLVE:
            await self._build.check_allowed(PUSH, *sorted(pushed_by(message)))
            named = [target(name) for name in names_of(message)]
            if pushes(message) and not all(image.repository for image in named):
                raise RefusedError("a build may push to ECR of the local cloud only")
            await self._build.claim(*named)

    def _deny(self, stream: int, status: str, message: str) -> None:
        headers = [
            (":status", "200"),
            ("content-type", "application/grpc"),
            ("grpc-status", status),
            ("grpc-message", message),
        ]
        self._client.connection.send_headers(stream, headers, end_stream=True)
        self._client.connection.reset_stream(stream, ErrorCodes.NO_ERROR)
