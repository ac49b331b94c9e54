"""The connection to the Docker daemon, the proxy's own requests, and the check which build an object belongs to."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import h11

from localcloud.dockerfilter.container_rules import RefusedError

API = "/v1.41"
OK, NO_CONTENT = range(200, 300), 204
BAD_REQUEST, NOT_FOUND = 400, 404
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class MissingError(Exception):
    """The daemon has no such object; the message is the daemon's."""


class DaemonError(Exception):
    """A call fails as on a daemon that is not filtered: with its status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def connect() -> Stream:
    """Opens a connection to the daemon that the docker command would use."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if address.scheme == "unix":
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(address.hostname, address.port or 2375)


async def request(method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Sends a request of the proxy itself; returns the status and the JSON of the answer."""
    reader, writer = await connect()
    try:
        connection = h11.Connection(h11.CLIENT)
        content = b"" if body is None else json.dumps(body).encode()
        headers = [("Host", "docker"), ("Connection", "close"), ("Content-Type", "application/json")]
        headers.append(("Content-Length", str(len(content))))
        head = h11.Request(method=method, target=API + path, headers=headers)
        for outgoing in (head, h11.Data(content), h11.EndOfMessage()):
            writer.write(connection.send(outgoing) or b"")
        status, answer = 0, b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                answer += event.data
            else:
                break
        return status, json.loads(answer) if answer.strip()[:1] in (b"{", b"[") else answer
    finally:
        writer.close()


class Owned:
    """The Docker objects of a build: those that have its label.

    The methods raise `RefusedError` if an object does not belong to the build, and `MissingError` if it does not exist.
    """

    def __init__(self, label: str, owner: str) -> None:
        self._label = label
        self.owner = owner
        self.filter = f"{label}={owner}"

    async def container(self, reference: str) -> str:
        """Returns the id of a container of this build."""
        found = await self._inspect(f"/containers/{quote(reference, safe='')}/json")
        self._check(f"the container {reference}", (found.get("Config") or {}).get("Labels"))
        return str(found["Id"])

    async def execution(self, reference: str) -> str:
        """Returns the id of an exec instance in a container of this build."""
        found = await self._inspect(f"/exec/{quote(reference, safe='')}/json")
        await self.container(str(found["ContainerID"]))
        return str(found["ID"])

    async def network(self, reference: str, *common: str) -> str:
        """Returns the id of a network that belongs to this build or is listed in `common`."""
        found = await self._inspect(f"/networks/{quote(reference, safe='')}")
        if found["Name"] not in common:
            self._check(f"the network {reference}", found.get("Labels"))
        return str(found["Id"])

    async def volume(self, name: str) -> str:
        """Returns the daemon's name of a volume that belongs to this build."""
        found = await self._inspect(f"/volumes/{quote(name, safe='')}")
        self._check(f"the volume {name}", found.get("Labels"))
        return name

    async def volume_to_use(self, name: str, labels: Mapping[str, str]) -> None:
        """Checks a volume that a container refers to, or creates it with the labels if it does not exist."""
        try:
            await self.volume(name)
        except MissingError:
            await request("POST", "/volumes/create", {"Name": name, "Labels": dict(labels)})

    async def _inspect(self, path: str) -> dict[str, Any]:
        status, found = await request("GET", path)
        if status not in OK:
            message = found.get("message", "") if isinstance(found, dict) else found.decode("utf-8", "replace")
            raise MissingError(message)
        return dict(found)

    def _check(self, what: str, labels: Mapping[str, str] | None) -> None:
        if (labels or {}).get(self._label) != self.owner:
            raise RefusedError(f"{what} does not belong to this build")
