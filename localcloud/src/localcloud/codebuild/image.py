"""The container image of a build: a local image replaces AWS's standard images, all others are used as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from docker import DockerClient

from localcloud import containers, local_images
from localcloud.codebuild.errors import BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE as _UNABLE
from localcloud.codebuild.errors import BuildError

FOLDER = Path(__file__).parent / "image"
REPOSITORY = "localcloud/codebuild"
_ANNOUNCEMENT = "Building the local image for builds, once per machine (about half a minute)"
#: aws/codebuild/standard:7.0, aws/codebuild/amazonlinux-x86_64-standard:5.0, …: about 9 GB each.
_STANDARD = re.compile(r"^(aws/codebuild/|public\.ecr\.aws/codebuild/)")


def local_image() -> str:
    """Returns the name of the local image. It contains a hash, so a changed Dockerfile gives a new image."""
    return local_images.name(REPOSITORY, FOLDER)


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
    try:
        return local_images.provide(client, REPOSITORY, FOLDER, lambda: log(_ANNOUNCEMENT))
    except local_images.ImageBuildError as error:
        raise BuildError(_UNABLE, f"{_UNABLE}: the local image for builds could not be built: {error}") from error
