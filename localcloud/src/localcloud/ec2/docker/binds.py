"""Mounts of a host's files and folders in its containers.

The daemon outside cannot mount what lies inside the host's container. So files are copied into the new container before
it starts; a folder is a Docker volume, which begins with the folder's content. No path of the machine that runs the
local cloud is ever mounted.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import posixpath
import tarfile
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import APIError, NotFound

from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.ec2 import machines
from localcloud.ec2.docker.owned import HostOwned
from localcloud.ec2.machines import Machine

Json = dict[str, Any]
_LARGEST = 512 * 1024 * 1024
_KEPT_OPTIONS = ("ro", "rw")
_CLOSED = ("/dev", "/proc", "/sys", "/run/localcloud", "/usr/local/lib/localcloud")
_LOOK = """p=$(readlink -m -- "$1")
if [ -d "$p" ]; then if [ -n "$(ls -A -- "$p")" ]; then t=full; else t=empty; fi
elif [ -f "$p" ]; then t=file; elif [ -e "$p" ]; then t=special; else t=missing; fi
printf '%s %s' "$t" "$p"
"""


class BindError(RuntimeError):
    """A file or folder of the host cannot be mounted; the message says why."""


@dataclass
class Mounts:
    """The mounts of one new container."""

    machine: Machine
    names: HostOwned
    copies: list[tuple[str, str]] = field(default_factory=list)
    """Files of the host, and their paths in the container."""
    seeds: list[tuple[str, str]] = field(default_factory=list)
    """Folders of the host, and the paths in the container where a volume takes their content."""

    async def bind(self, given: str) -> str:
        """Returns an entry of Binds with the daemon's volume; empty if it is a file, which is copied later."""
        source, _, rest = given.partition(":")
        if not rest:
            return given  # an anonymous volume
        target, _, options = rest.partition(":")
        if not source.startswith("/"):
            return f"{await self.names.volume_for(source)}:{rest}"
        return await self._path(source, target, read_only="ro" in options.split(","), must_exist=False)

    async def mount(self, given: Json) -> Json | None:
        """Returns an entry of Mounts with the daemon's volume; None if it is a file, which is copied later."""
        kind, source, target = (str(given.get(name) or "") for name in ("type", "source", "target"))
        if kind == "volume" and source:
            return {**given, "source": await self.names.volume_for(source)}
        if kind != "bind":
            return given
        options = given.get("bindoptions") or {}
        may_create = bool({str(key).casefold(): value for key, value in options.items()}.get("createmountpoint"))
        bind = await self._path(source, target, read_only=bool(given.get("readonly")), must_exist=not may_create)
        if not bind:
            return None
        return {"type": "volume", "source": bind.partition(":")[0], "target": target}

    async def _path(self, source: str, target: str, *, read_only: bool, must_exist: bool) -> str:
        kind, path = await _in_thread(look, self.machine, source)
        if kind == "special" or path == "/" or any(path == c or path.startswith(f"{c}/") for c in _CLOSED):
            raise RefusedError(
                f"the bind mount of {source} is refused: hosts of the local cloud mount files and folders, "
                "no sockets, no devices and not the whole disk"
            )
        if kind == "file":
            self.copies.append((path, target))
            return ""
        if kind == "missing":
            if must_exist:
                raise RefusedError(f"invalid mount config for type bind: bind source path does not exist: {source}")
            await _in_thread(_make, self.machine, path)
        name = hashlib.sha256(path.encode()).hexdigest()[:10]
        if kind == "full":
            content = await _in_thread(folder, self.machine, path)
            if read_only:
                name += f"-{digest(content)}"  # other content is another volume, so that removed files are gone
            self.seeds.append((path, target))
        # Without copying, as a folder of the host hides what the image has there; writable, so that it can be filled.
        return f"{self.names.volume_prefixes()[0]}folder-{name}:{target}:nocopy"

    def fill(self, container_id: str) -> None:
        """Copies files and folders into the new container.

        Raises:
            BindError: if one cannot be copied.
        """
        api = docker.from_env(timeout=180).api
        try:
            for path, target in self.seeds:
                api.put_archive(container_id, target, folder(self.machine, path))
            for path, target in self.copies:
                api.put_archive(container_id, "/", one_file(self.machine, path, target))
        except (NotFound, APIError) as error:
            raise BindError(f"the host's file cannot be copied into the container: {error.explanation}") from error


async def _in_thread(work: Any, *arguments: Any) -> Any:

    return await asyncio.to_thread(work, *arguments)


def look(machine: Machine, path: str) -> tuple[str, str]:
    """Returns what a path of the host is (file, full, empty, missing, special), and the path without links."""
    done = machines.container_of(machine).exec_run(["sh", "-c", _LOOK, "sh", path], user="root")
    kind, _, real = done.output.decode().partition(" ")
    return kind, real


def _make(machine: Machine, path: str) -> None:
    machines.container_of(machine).exec_run(["mkdir", "-p", path], user="root")


def _archive(machine: Machine, path: str) -> tarfile.TarFile:
    stream, _stat = machines.container_of(machine).get_archive(path)
    content = io.BytesIO()
    for chunk in stream:
        content.write(chunk)
        if content.tell() > _LARGEST:
            raise BindError(f"{path} has more than {_LARGEST // 1024**2} MB: too much to copy into a container")
    content.seek(0)
    return tarfile.open(fileobj=content)


def _renamed(archive: tarfile.TarFile, rename: Any) -> bytes:
    made = io.BytesIO()
    with archive, tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as written:
        for member in archive:
            name = rename(member.name)
            if not name or not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
                continue
            if member.islnk():
                member.linkname = rename(member.linkname)
            content = archive.extractfile(member) if member.isfile() else None
            member.name = name
            written.addfile(member, content)
    return made.getvalue()


def folder(machine: Machine, path: str) -> bytes:
    """Returns the content of a folder of the host as an archive."""
    return _renamed(_archive(machine, path), lambda name: name.partition("/")[2])


def one_file(machine: Machine, path: str, target: str) -> bytes:
    """Returns an archive with one file of the host, under another path."""
    return _renamed(_archive(machine, path), lambda _name: posixpath.normpath(target).lstrip("/"))


def digest(archive: bytes) -> str:
    """Returns a hash of the names, modes and contents in an archive."""
    found = hashlib.sha256()
    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        for member in sorted(read, key=lambda entry: entry.name):
            found.update(f"{member.name}\0{member.mode}\0{member.linkname}\0{member.size}\0".encode())
            content = read.extractfile(member) if member.isfile() else None
            found.update(content.read() if content else b"")
    return found.hexdigest()[:10]
