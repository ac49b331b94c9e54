"""The container a build runs in: one per build, alive from the first command to the last, removed with all it made."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests
from docker import DockerClient
from docker.errors import APIError, DockerException, NotFound

from localcloud import settings
from localcloud.codebuild.errors import ContainerLostError

AGENT = "/codebuild/agent"
SOURCE = "/codebuild/output/src"
BUILD_LABEL = f"{settings.LABEL}.build"
_SCRIPTS = Path(__file__).parent / "shell"
_KILLED = 137
_DYING_SECONDS = 2

Say = Callable[[bytes], None]


@dataclass(frozen=True)
class Outcome:
    """How a block of commands ended."""

    status: int
    failed: int | None = None  # index of the command that failed


def volume_of(build: str) -> str:
    """The volume of a build's source folder."""
    return f"{settings.current().network}-build-{build.rsplit(':', 1)[-1]}"


class BuildContainer:
    """The running container of one build; its source folder is a volume, so that siblings can mount it."""

    def __init__(self, client: DockerClient, build: str) -> None:
        self._client = client
        self._build = build
        self._container: Any = None
        self.volume = volume_of(build)

    def start(self, image: str, *, socket: Path | None, hosts: Mapping[str, str]) -> None:
        """Create and start it; ``socket`` becomes its Docker daemon."""
        chosen = settings.current()
        labels = {BUILD_LABEL: self._build}
        own = {settings.LABEL: "1", f"{settings.LABEL}.port": str(chosen.port), **labels}
        self._client.volumes.create(self.volume, labels=own)
        volumes = [f"{self.volume}:{SOURCE}"] + ([f"{socket}:/var/run/docker.sock"] if socket else [])
        self._container = self._client.containers.create(
            image,
            ["sleep", "infinity"],
            entrypoint=[],
            volumes=volumes,
            working_dir=SOURCE,
            network=chosen.network,
            extra_hosts=dict(hosts),
            labels=labels,
            init=True,
            user="root",
        )
        self._container.start()
        self.put(AGENT, {script.name: script.read_bytes() for script in _SCRIPTS.iterdir()})

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write files below a folder, which is made."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(f"{folder.strip('/')}/{name}")
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
        self.put_archive("/", packed.getvalue())

    def put_archive(self, folder: str, archive: Any) -> None:
        """Unpack a tar archive into an existing folder."""
        with self._lost_is_told():
            self._container.put_archive(folder, archive)

    def blocks(self, commands: Mapping[str, tuple[str, ...]]) -> None:
        """Make the blocks of commands known that `run` runs."""
        files = {
            f"blocks/{block}/{index:04}": command.strip().encode() + b"\n"
            for block, listed in commands.items()
            for index, command in enumerate(listed)
        }
        self.put(AGENT, files)

    def run(self, shell: str, block: str, environment: Mapping[str, str], *, succeeding: bool, say: Say) -> Outcome:
        """Run a block; ``say`` gets what it prints."""
        command = ["sh", f"{AGENT}/run.sh", shell, block, "1" if succeeding else "0"]
        with self._lost_is_told():
            api = self._client.api
            started = api.exec_create(self._container.id, command, workdir=SOURCE, environment=dict(environment))["Id"]
            failed = b""
            for output, told in api.exec_start(started, stream=True, demux=True):
                if output:
                    say(output)
                failed += told or b""
            status = api.exec_inspect(started)["ExitCode"]
            if status in (None, _KILLED) and self._ends():
                raise ContainerLostError("the build's container ended while a command ran")
        return Outcome(status, int(failed) if failed.strip().isdigit() else None)

    def _ends(self) -> bool:
        """Whether the container itself was killed, and not only a command in it."""
        try:
            self._container.wait(timeout=_DYING_SECONDS)
        except (requests.ReadTimeout, requests.ConnectionError):
            return False
        return True

    def read(self, shell: str, command: str, environment: Mapping[str, str]) -> bytes:
        """What a command prints that runs in the state of the build and does not change it."""
        restore = '. "$0/state/variables" 2>/dev/null; cd "$(cat "$0/state/folder" 2>/dev/null)" 2>/dev/null'
        with self._lost_is_told():
            _code, output = self._container.exec_run(
                [shell, "-c", f"{restore}\n{command}", AGENT], demux=True, environment=dict(environment)
            )
        return output[0] or b""

    @staticmethod
    def path(name: str) -> str:
        """A path of a buildspec in the container: relative to the source."""
        return posixpath.normpath(posixpath.join(SOURCE, name))

    def archive(self, path: str) -> Iterator[bytes] | None:
        """A folder or file as a tar archive, None if there is none."""
        try:
            with self._lost_is_told():
                stream, _about = self._container.get_archive(path)
        except _MissingError:
            return None
        chunks: Iterator[bytes] = iter(stream)
        return chunks

    def file(self, name: str) -> bytes | None:
        """The content of a file of the source, None if there is none."""
        chunks = self.archive(self.path(name))
        if chunks is None:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            member = tar.next()
            stream = tar.extractfile(member) if member is not None else None
            return stream.read() if stream is not None else None

    def kill(self) -> None:
        """End what runs in it; `remove_all` takes it away."""
        if self._container is not None:
            _quietly(self._container.kill)

    def _lost_is_told(self) -> _Lost:
        return _Lost()


class _MissingError(Exception):
    """No such file in the container."""


class _Lost:
    """Errors of the daemon about a container that is gone or stopped become `ContainerLostError`."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, NotFound) and "Could not find the file" in str(error):
            raise _MissingError from error
        if isinstance(error, DockerException | OSError):
            raise ContainerLostError(str(error)) from error


def remove_all(client: DockerClient, build: str) -> None:
    """Remove every container, network and volume that carries the build's label."""
    label: dict[str, Any] = {"label": f"{BUILD_LABEL}={build}"}
    for container in client.containers.list(all=True, ignore_removed=True, filters=label):
        _quietly(partial(container.remove, force=True, v=True))
    for network in client.networks.list(filters=label):
        _quietly(network.remove)
    for volume in client.volumes.list(filters=label):
        _quietly(partial(volume.remove, force=True))


def _quietly(remove: Callable[[], None]) -> None:
    try:
        remove()
    except (NotFound, APIError):  # gone already, or being removed
        return
