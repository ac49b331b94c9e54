"""The container that a build runs in: one per build, removed at its end together with everything the build created."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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

OutputHandler = Callable[[bytes], None]


@dataclass(frozen=True)
class Outcome:
    """The result of a block of commands."""

    status: int
    failed: int | None = None  # index of the command that failed


def source_volume(build: str) -> str:
    """Returns the name of the volume that holds a build's source folder."""
    return f"{settings.current().network}-build-{build.rsplit(':', 1)[-1]}"


class BuildContainer:
    """The container of one build. Its source folder is a volume, so that containers the build starts can mount it."""

    def __init__(self, client: DockerClient, build: str) -> None:
        self._client = client
        self._build = build
        self._container: Any = None
        self.volume = source_volume(build)

    def start(self, image: str, *, socket: Path | None, hosts: Mapping[str, str]) -> None:
        """Creates and starts the container; ``socket`` is mounted as its Docker socket."""
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
        """Writes files into a folder, which is created if it does not exist."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(f"{folder.strip('/')}/{name}")
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
        self.put_archive("/", packed.getvalue())

    def put_archive(self, folder: str, archive: Any) -> None:
        """Unpacks a tar archive into an existing folder."""
        with _translate_daemon_errors():
            self._container.put_archive(folder, archive)

    def put_blocks(self, commands: Mapping[str, tuple[str, ...]]) -> None:
        """Copies the blocks of commands, by name, into the container, where `run` expects them."""
        files = {
            f"blocks/{block}/{index:04}": command.strip().encode() + b"\n"
            for block, block_commands in commands.items()
            for index, command in enumerate(block_commands)
        }
        self.put(AGENT, files)

    def run(
        self, shell: str, block: str, environment: Mapping[str, str], *, succeeding: bool, on_output: OutputHandler
    ) -> Outcome:
        """Runs a block of commands and passes its output to ``on_output``."""
        command = ["sh", f"{AGENT}/run.sh", shell, block, "1" if succeeding else "0"]
        with _translate_daemon_errors():
            api = self._client.api
            exec_id = api.exec_create(self._container.id, command, workdir=SOURCE, environment=dict(environment))["Id"]
            failed = b""  # run.sh writes only the index of the failed command to stderr
            for stdout, stderr in api.exec_start(exec_id, stream=True, demux=True):
                if stdout:
                    on_output(stdout)
                failed += stderr or b""
            status = api.exec_inspect(exec_id)["ExitCode"]
            if status in (None, _KILLED) and self._has_ended():
                raise ContainerLostError("the build's container ended while a command ran")
        return Outcome(status, int(failed) if failed.strip().isdigit() else None)

    def _has_ended(self) -> bool:
        """True if the container itself was killed, not only a command in it."""
        try:
            self._container.wait(timeout=_DYING_SECONDS)
        except (requests.ReadTimeout, requests.ConnectionError):
            return False
        return True

    def read(self, shell: str, command: str, environment: Mapping[str, str]) -> bytes:
        """Returns the output of a command that sees the state of the build's shell but does not change it."""
        restore = '. "$0/state/variables" 2>/dev/null; cd "$(cat "$0/state/folder" 2>/dev/null)" 2>/dev/null'
        with _translate_daemon_errors():
            _code, output = self._container.exec_run(
                [shell, "-c", f"{restore}\n{command}", AGENT], demux=True, environment=dict(environment)
            )
        return output[0] or b""

    @staticmethod
    def path(name: str) -> str:
        """Returns the absolute path of a path in a buildspec, which is relative to the source folder."""
        return posixpath.normpath(posixpath.join(SOURCE, name))

    def archive(self, path: str) -> Iterator[bytes] | None:
        """Returns a folder or file as a tar archive, None if it does not exist."""
        try:
            with _translate_daemon_errors():
                stream, _stat = self._container.get_archive(path)
        except _MissingError:
            return None
        chunks: Iterator[bytes] = iter(stream)
        return chunks

    def file(self, name: str) -> bytes | None:
        """Returns the content of a file of the source, None if it does not exist."""
        chunks = self.archive(self.path(name))
        if chunks is None:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            member = tar.next()
            stream = tar.extractfile(member) if member is not None else None
            return stream.read() if stream is not None else None

    def kill(self) -> None:
        """Kills the container; `remove_all` removes it."""
        if self._container is not None:
            _quietly(self._container.kill)


class _MissingError(Exception):
    """The container has no such file."""


@contextmanager
def _translate_daemon_errors() -> Iterator[None]:
    """Raises `ContainerLostError` if the container is gone or stopped, and `_MissingError` if a file does not exist."""
    try:
        yield
    except (DockerException, OSError) as error:
        if isinstance(error, NotFound) and "Could not find the file" in str(error):
            raise _MissingError from error
        raise ContainerLostError(str(error)) from error


def remove_all(client: DockerClient, build: str) -> None:
    """Removes every container, network and volume that has the build's label."""
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
    except (NotFound, APIError):  # already removed, or its removal is in progress
        return
