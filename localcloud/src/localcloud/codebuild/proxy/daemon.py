"""Connections to the Docker daemon, and questions to it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import h11

from localcloud.codebuild.container import BUILD_LABEL
from localcloud.codebuild.proxy.container_rules import RefusedError

API = "/v1.41"
OK, NO_CONTENT = range(200, 300), 204
NOT_FOUND = 404
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class MissingError(Exception):
    """The daemon has no such thing; its own words follow."""


async def connect() -> Stream:
    """A new connection, to where the docker command would connect."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if address.scheme == "unix":
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(address.hostname, address.port or 2375)


async def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request of ours; status and JSON."""
    reader, writer = await connect()
    try:
        connection = h11.Connection(h11.CLIENT)
        content = b"" if body is None else json.dumps(body).encode()
        headers = [("Host", "docker"), ("Connection", "close"), ("Content-Type", "application/json")]
        headers.append(("Content-Length", str(len(content))))
        request = h11.Request(method=method, target=API + path, headers=headers)
        for outgoing in (request, h11.Data(content), h11.EndOfMessage()):
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
    """What belongs to a build: everything that carries its label."""

    def __init__(self, build: str) -> None:
        self.build = build
        self.filter = f"{BUILD_LABEL}={build}"

    async def container(self, reference: str) -> str:
        """The id of a container of this build."""
        found = await self._inspect(f"/containers/{quote(reference, safe='')}/json")
        self._check(f"the container {reference}", (found.get("Config") or {}).get("Labels"))
        return str(found["Id"])

    async def execution(self, reference: str) -> str:
        """The id of a command in a container of this build."""
        found = await self._inspect(f"/exec/{quote(reference, safe='')}/json")
        await self.container(str(found["ContainerID"]))
        return str(found["ID"])

    async def network(self, reference: str, *common: str) -> str:
        """The id of a network of this build, or of one of the common ones."""
        found = await self._inspect(f"/networks/{quote(reference, safe='')}")
        if found["Name"] not in common:
            self._check(f"the network {reference}", found.get("Labels"))
        return str(found["Id"])

    async def volume(self, name: str) -> None:
        """Check that a volume belongs to this build."""
        found = await self._inspect(f"/volumes/{quote(name, safe='')}")
        self._check(f"the volume {name}", found.get("Labels"))

    async def volume_to_use(self, name: str, labels: Mapping[str, str]) -> None:
        """A volume that a container names: it appears if there is none."""
        try:
            await self.volume(name)
        except MissingError:
            await ask("POST", "/volumes/create", {"Name": name, "Labels": dict(labels)})

    async def _inspect(self, path: str) -> dict[str, Any]:
        status, found = await ask("GET", path)
        if status not in OK:
            message = found.get("message", "") if isinstance(found, dict) else found.decode("utf-8", "replace")
            raise MissingError(message)
        return dict(found)

    def _check(self, what: str, labels: Mapping[str, str] | None) -> None:
        if (labels or {}).get(BUILD_LABEL) != self.build:
            raise RefusedError(f"{what} is not of this build")
