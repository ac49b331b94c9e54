"""Which image a build runs in: ours in place of AWS's standard images, any other one as the project names it."""

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


def ours() -> str:
    """The name of our image; a changed Dockerfile is another image."""
    return "localcloud/codebuild:" + hashlib.sha256((FOLDER / "Dockerfile").read_bytes()).hexdigest()[:12]


def is_standard(name: str) -> bool:
    """Whether ours takes the place of that image."""
    return not name or bool(_STANDARD.match(name))


def provide(client: DockerClient, name: str, say: Callable[[str], None]) -> str:
    """The name of the image to run, which is on this machine then."""
    if not is_standard(name):
        try:
            containers.require(client, name)
        except containers.MissingImageError as error:
            raise BuildError(_UNABLE, f"{_UNABLE}: Unable to pull customer's container image. {error}") from error
        return name
    with _building:
        try:
            client.images.get(ours())
        except ImageNotFound:
            say("Building the local image of builds, once per machine (about half a minute)")
            _build(client)
    return ours()


def _build(client: DockerClient) -> None:
    try:
        client.images.build(path=str(FOLDER), tag=ours(), rm=True, forcerm=True)
    except (DockerBuildError, DockerException) as error:
        raise BuildError(
            _UNABLE,
            f"{_UNABLE}: the local image of builds could not be built: {error}. Try: docker build -t {ours()} {FOLDER}",
        ) from error
