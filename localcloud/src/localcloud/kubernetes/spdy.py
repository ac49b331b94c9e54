"""The part of SPDY/3.1 that `kubectl exec` needs: streams for stdin, stdout, stderr, resizes and the result.

www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1; Kubernetes' subprotocol v4.channel.k8s.io.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import struct
import threading
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import docker
from docker.errors import DockerException
from docker.utils import socket as docker_socket

SYMBOLS: tuple[str, ...] = ()

PROTOCOL = "v4.channel.k8s.io"
_SYN_STREAM, _SYN_REPLY, _PING, _GOAWAY = 1, 2, 6, 7
_FIN, _VERSION, _STDERR = 1, 0x8003, 2
_LARGEST = 32 * 1024
_STREAMS_SECONDS = 30
_WORDS = """
    options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow
    authorization cache-control connection content-base content-encoding content-language content-length
    content-location content-md5 content-range content-type date etag expect expires from host if-match
    if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma
    proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade
    user-agent vary via warning www-authenticate method get status
"""
_MORE_WORDS = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_REST = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
#: The dictionary that headers are compressed with (section 2.6.10.1).
DICTIONARY = (
    b"".join(struct.pack(">I", len(word)) + word.encode() for word in (*_WORDS.split(), *_MORE_WORDS)) + _REST.encode()
)
logger = logging.getLogger("localcloud")


_frames: Any = docker_socket.frames_iter  # docker-py ships no types for it


class Session:
    """One connection that was upgraded to SPDY, for one command."""

    def __init__(self, connection: socket.socket, incoming: Any) -> None:
        """`incoming` is the buffered reader of the connection."""
        self._connection, self._incoming = connection, incoming
        self._writing = threading.Lock()
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._streams: dict[str, int] = {}
        self._kinds: dict[int, str] = {}
        self._complete = threading.Event()
        self._stdin: socket.socket | None = None
        self._early: list[bytes] = []
        self._input_ended = False
        self._feeding = threading.Lock()
        self._api: Any = docker.from_env(timeout=24 * 3600).api
        self._exec_id = ""

    # --- frames ------------------------------------------------------------------------------------------------------

    def _send_control(self, kind: int, payload: bytes, flags: int = 0) -> None:
        with self._writing:
            self._connection.sendall(struct.pack(">HHI", _VERSION, kind, flags << 24 | len(payload)) + payload)

    def _send(self, stream: str, data: bytes, *, is_last: bool = False) -> None:
        identifier = self._streams.get(stream)
        if identifier is None:
            return
        parts = [data[begin : begin + _LARGEST] for begin in range(0, len(data), _LARGEST)] or [b""]
        for number, part in enumerate(parts, 1):
            flags = _FIN if is_last and number == len(parts) else 0
            with self._writing:
                self._connection.sendall(struct.pack(">II", identifier, flags << 24 | len(part)) + part)

    def _read(self, wanted: set[str]) -> None:
        """Reads frames until the connection ends."""
        with contextlib.suppress(OSError, struct.error, zlib.error, ValueError):
            while len(head := self._incoming.read(8)) == 8:  # noqa: PLR2004 - a frame's head
                first, second = struct.unpack(">II", head)
                payload = self._incoming.read(second & 0xFFFFFF)
                flags = second >> 24
                if not first >> 31:
                    self._data(self._kinds.get(first, ""), payload, is_last=bool(flags & _FIN))
                elif first & 0xFFFF == _SYN_STREAM:
                    self._opened(payload, wanted)
                elif first & 0xFFFF == _PING:
                    self._send_control(_PING, payload)
                elif first & 0xFFFF == _GOAWAY:
                    break
        self._complete.set()
        self._end_stdin()

    def _opened(self, payload: bytes, wanted: set[str]) -> None:
        identifier = struct.unpack(">I", payload[:4])[0] & 0x7FFFFFFF
        block = self._inflate.decompress(payload[10:])
        kind = _headers(block).get("streamtype", "")
        self._streams[kind], self._kinds[identifier] = identifier, kind
        empty = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        self._send_control(_SYN_REPLY, struct.pack(">I", identifier) + empty)
        if wanted <= self._streams.keys():
            self._complete.set()

    def _data(self, kind: str, data: bytes, *, is_last: bool) -> None:
        if kind == "stdin":
            with self._feeding, contextlib.suppress(OSError):
                self._input_ended = self._input_ended or is_last
                if self._stdin is None:
                    self._early.append(data)
                    return
                self._stdin.sendall(data)
            if is_last:
                self._end_stdin()
        elif kind == "resize" and data and self._exec_id:
            with contextlib.suppress(ValueError, DockerException):
                size = json.loads(data)
                self._api.exec_resize(self._exec_id, height=size["Height"], width=size["Width"])

    def _end_stdin(self) -> None:
        if self._stdin is not None:
            with contextlib.suppress(OSError):
                self._stdin.shutdown(socket.SHUT_WR)

    # --- the command -------------------------------------------------------------------------------------------------

    def run(self, docker_id: str, command: Sequence[str], wanted: Mapping[str, bool]) -> None:
        """Runs a command to its end; `wanted` says which of input, output, error and tty the client asked for."""
        streams = {"error"} | {
            stream for stream, name in (("stdin", "input"), ("stdout", "output"), ("stderr", "error")) if wanted[name]
        }
        if wanted["tty"]:
            streams -= {"stderr"}
        threading.Thread(target=self._read, args=(streams,), daemon=True, name="localcloud-spdy").start()
        if not self._complete.wait(_STREAMS_SECONDS):
            return
        try:
            result = self._execute(docker_id, list(command), wanted)
        except (DockerException, OSError) as error:
            result = {"metadata": {}, "status": "Failure", "reason": "InternalError", "message": str(error)}
        with contextlib.suppress(OSError):
            for stream in ("stdout", "stderr"):
                self._send(stream, b"", is_last=True)
            self._send("error", json.dumps(result).encode(), is_last=True)
            self._connection.settimeout(5)
            while self._incoming.read(1):  # the client closes when it has read everything
                continue

    def _execute(self, docker_id: str, command: list[str], wanted: Mapping[str, bool]) -> dict[str, Any]:
        made = self._api.exec_create(docker_id, command, stdin=wanted["input"], tty=wanted["tty"])
        self._exec_id = made["Id"]
        opened: Any = self._api.exec_start(self._exec_id, socket=True, tty=wanted["tty"])
        stdin: socket.socket = getattr(opened, "_sock", opened)
        with self._feeding:
            for data in self._early:
                stdin.sendall(data)
            self._stdin = stdin
        if self._input_ended or not wanted["input"]:
            self._end_stdin()
        for stream, data in _frames(opened, wanted["tty"]):
            self._send("stderr" if stream == _STDERR else "stdout", data)
        opened.close()
        code = int(self._api.exec_inspect(self._exec_id)["ExitCode"] or 0)
        if code == 0:
            return {"metadata": {}, "status": "Success"}
        return {
            "metadata": {},
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "message": f"command terminated with non-zero exit code: exit status {code}",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        }


def _headers(block: bytes) -> dict[str, str]:
    """Returns the headers in a decompressed block."""

    def text(at: int) -> tuple[str, int]:
        size = struct.unpack(">I", block[at : at + 4])[0]
        return block[at + 4 : at + 4 + size].decode("latin-1"), at + 4 + size

    found, at = {}, 4
    for _ in range(struct.unpack(">I", block[:4])[0]):
        name, at = text(at)
        value, at = text(at)
        found[name.lower()] = value
    return found
