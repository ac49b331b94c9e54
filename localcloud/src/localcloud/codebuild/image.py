"""The container image of a build: a local image replaces AWS's standard images, all others are used as they are."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from pathlib import Path

from docker import DockerClient
from docker.errors import BuildError as DockerBuildError
from docker.errors import DockerException, ImageNotFound

from localcloud import containers
from localcloud.codebuild.errors import BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE as _UNABLE
from localcloud.codebuild.errors import BuildError

FOLDER = Path(__file__).parent / "image"
#: aws/codebuild/standard:7.0, aws/codebuild/amazonlinux-x86_64-standard:5.0, …: about 9 GB each.
_STANDARD = re.compile(r"^(aws/codebuild/|public\.ecr\.aws/codebuild/)")
_building = threading.Lock()


def local_image() -> str:
    """Returns the name of the local image. It contains a hash, so a changed Dockerfile gives a new image."""
    return "localcloud/codebuild:" + hashlib.sha256((FOLDER / "Dockerfile").read_bytes()).hexdigest()[:12]


def is_standard(name: str) -> bool:
    """True if the local image replaces the image of this name."""
    return not name or bool(_STANDARD.match(name))


def provide(client: DockerClient, name: str, log: Callable[[str], None]) -> str:
    """Returns the name of the image to run, after building or pulling it if this machine does not have it."""
    if not is_standard(name):
        try:
            containers.require(client, name)
        except containers.MissingImageError as error:
            raise BuildError(_UNABLE, f"{_UNABLE}: Unable to pull customer's container image. {error}") from error
        return name
    with _building:
        try:
            client.images.get(local_image())
        except ImageNotFound:
            log("Building the local image for builds, once per machine (about half a minute)")
            _build(client)
    return local_image()


def _build(client: DockerClient) -> None:
    try:
        client.images.build(path=str(FOLDER), tag=local_image(), rm=True, forcerm=True)
    except (DockerBuildError, DockerException) as error:
        raise BuildError(
            _UNABLE,
            f"{_UNABLE}: the local image for builds could not be built: {error}. "
            f"Try: docker build -t {local_image()} {FOLDER}",
        ) from error
