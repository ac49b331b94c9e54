"""Images that the local cloud builds itself, once per machine: their names contain a hash of their files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from docker import DockerClient
from docker.errors import BuildError as DockerBuildError
from docker.errors import DockerException, ImageNotFound

_building = threading.Lock()


class ImageBuildError(RuntimeError):
    """An image could not be built; the message says what to try."""


def name(repository: str, folder: Path) -> str:
    """Returns the name of the image that is built from a folder; a changed file gives a new name."""
    content = b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file())
    return f"{repository}:" + hashlib.sha256(content).hexdigest()[:12]


def provide(client: DockerClient, repository: str, folder: Path, announce: Callable[[], None]) -> str:
    """Returns the name of the image after building it if this machine does not have it.

    Raises:
        ImageBuildError: if it cannot be built.
    """
    image = name(repository, folder)
    with _building:
        try:
            client.images.get(image)
        except ImageNotFound:
            announce()
            try:
                client.images.build(path=str(folder), tag=image, rm=True, forcerm=True)
            except (DockerBuildError, DockerException) as error:
                raise ImageBuildError(f"{error}. Try: docker build -t {image} {folder}") from error
    return image
