"""The Docker socket of a build without the build itself: the proxy, in front of a daemon that the test chooses."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from localcloud.codebuild.container import BUILD_LABEL, SOURCE, remove_all
from localcloud.dockerfilter import gate, images
from localcloud.dockerfilter.calls import Build
from localcloud.dockerfilter.daemon import Owned

REPOSITORY = "may/push"


class Socket(http.client.HTTPConnection):
    """An HTTP connection over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def call(path: Path, method: str, target: str, body: Any = None, kind: str = "", **headers: str) -> tuple[int, str]:
    """Sends a request and returns status and text of the answer. A body other than bytes is sent as JSON."""
    connection = Socket(path)
    content = body if isinstance(body, bytes | type(None)) else json.dumps(body).encode()
    sent = {**({"Content-Type": kind} if kind else {}), **headers}
    connection.request(method, target, content, sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def raw(path: Path, data: bytes) -> bytes:
    """Sends bytes and returns everything that the proxy answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(path))
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@contextmanager
def opened(
    build_id: str, client: docker.DockerClient | None = None, ended: Callable[[], None] = lambda: None
) -> Iterator[gate.Gate]:
    """Opens the gate of a build whose role may pull and push one repository, and closes it as at the end of a build."""

    async def no_hosts() -> list[str]:
        return []

    async def denial(action: str, repository: str) -> str:
        return "" if repository == REPOSITORY else f"denied: {action} on {repository}"

    build = Build(
        owned=Owned(BUILD_LABEL, build_id),
        labels={BUILD_LABEL: build_id},
        source_folder=SOURCE,
        source_volume="source",
        cloud_network="bridge",
        hosts=no_hosts,
        denial=denial,
    )
    made = gate.opened(build)
    try:
        yield made
    finally:
        made.close()
        if client is not None:
            remove_all(client, build_id)
        made.remove_names()
        ended()
        gate._loop.run(_second_look())


async def _second_look() -> None:
    """Waits until the names of ended builds are removed."""
    await asyncio.gather(*images._late)


@dataclass
class Request:
    """A request that arrived at the daemon."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


@dataclass
class Daemon:
    """A fake Docker daemon. It answers as if every object belonged to the build, and records the requests."""

    build_id: str
    arrived: list[Request] = field(default_factory=list)
    lines: list[str] = field(
        default_factory=list
    )  # first lines of all requests, including the proxy's own, in the order of the answers
    slow: str = ""  # a request whose first line contains this is answered after `answers` is set
    answers: threading.Event = field(default_factory=threading.Event)

    def handle(self, stream: Any) -> None:
        line = stream.readline().decode().strip()
        headers = []
        while text := stream.readline().decode().strip():
            name, _, value = text.partition(":")
            headers.append((name.lower(), value.strip()))
        request = Request(line, headers, b"")
        if "chunked" in request.all("transfer-encoding"):
            while size := int(stream.readline(), 16):
                request.body += stream.read(size)
                stream.readline()
            stream.readline()
        elif lengths := request.all("content-length"):
            request.body = stream.read(int(lengths[0]))
        if request.all("user-agent"):  # the proxy's own requests have none
            self.arrived.append(request)
        if self.slow and self.slow in line:
            self.answers.wait(60)
        self.lines.append(line)
        labels = {BUILD_LABEL: self.build_id}
        own = {
            "Id": "id",
            "ID": "id",
            "ContainerID": "id",
            "Name": "own",
            "Labels": labels,
            "Config": {"Labels": labels},
        }
        free = " /v1.41/images/" in line and not request.all("user-agent")
        content = json.dumps(own).encode()
        status = b"404 Not Found" if free else b"200 OK"
        stream.write(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: close\r\n" % status)
        stream.write(b"Content-Length: %d\r\n\r\n" % len(content) + content)

    def taken(self) -> list[Request]:
        """Returns the requests since the previous call."""
        found, self.arrived = self.arrived, []
        return found

    @contextmanager
    def listening(self, path: Path) -> Iterator[None]:
        """Listens at a unix socket."""
        daemon = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                class Stream:
                    readline, read, write = self.rfile.readline, self.rfile.read, self.wfile.write

                daemon.handle(Stream)

        with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
