"""The image names that builds give: never one that is somebody else's, seen by nobody else, and gone with the build.

CodeBuild gives each build a Docker daemon of its own, so a build may there name an image as it likes. Here the daemon
is the machine's, and functions, tasks, databases and other builds run images by name. So a build may give a name only
if no image has it, or if the build gave it; nobody else gets that image by this name; and the name goes when the build
ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docker.errors import ImageNotFound
from docker.models.containers import Container, ContainerCollection
from docker.models.images import ImageCollection

from localcloud import network, settings
from localcloud.codebuild.proxy import daemon
from localcloud.codebuild.proxy.container_rules import RefusedError
from localcloud.codebuild.proxy.names import Image, InvalidNameError, parse

#: What the local cloud itself runs, also where the image is not on this machine yet.
_RESERVED = {parse(name).name for name in (*network.BASE_IMAGES, *network.RELAY_IMAGES)}
_RESERVED_BELOW = ("public.ecr.aws/", "aws/codebuild/", "localcloud/", "offline/")
_SECOND_LOOK_SECONDS = 10
logger = logging.getLogger("localcloud")


class Names:
    """The builds that hold each name, on disk before the daemon gives it: a killed server leaves no name behind.

    A name in the local registry may have several holders: all of them may push there, so none keeps out another.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._holders: dict[str, set[str]] = {}
        self._ended: set[str] = set()
        self._path = Path()

    def holders(self, name: str) -> set[str]:
        """The builds that gave a name."""
        with self._guard:
            return set(self._holders.get(name, ()))

    def hold(self, images: list[Image], build: str) -> None:
        """Note names of a build.

        Raises:
            RefusedError: if another build that still runs has one of them.
        """
        with self._guard:
            for image in images:
                others = self._holders.get(full(image), set()) - self._ended - {build}
                if others and not image.repository:
                    raise RefusedError(
                        f"the name {image} belongs to an image of the build {others.pop()}, which runs now; on this "
                        "machine builds share one daemon. Make names unique, with $CODEBUILD_BUILD_NUMBER for instance"
                    )
            for image in images:
                kept = self._holders.get(full(image), set()) - self._ended
                self._holders[full(image)] = kept | {build}
            self._path = network.image_names(settings.current())
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._write()

    def drop(self, names: Iterable[str], build: str = "") -> None:
        """Forget names; only as those of one build, if it is given."""
        with self._guard:
            for name in names:
                holders = self._holders.pop(name, set())
                if build and (left := holders - {build}):
                    self._holders[name] = left
            self._write()

    def ended(self, build: str) -> list[str]:
        """Marks a build as ended; returns its names that no running build holds, which others may take now."""
        with self._guard:
            self._ended.add(build)
            return [name for name, holders in self._holders.items() if build in holders and holders <= self._ended]

    def _write(self) -> None:
        """Write the names to the state folder, unless that is gone."""
        if self._path.parent.exists():
            temporary = self._path.with_suffix(".part")
            temporary.write_text(json.dumps(sorted(self._holders)), encoding="utf-8")
            temporary.replace(self._path)


NAMES = Names()
_taking = asyncio.Lock()  # all gates share one event loop


def is_of_a_build(name: object) -> bool:
    """True if a build made the image that has this name now."""
    try:
        return isinstance(name, str) and bool(NAMES.holders(full(parse(name))))
    except InvalidNameError:
        return False


async def take(build: str, images: list[Image]) -> None:
    """Let a build give these names.

    Raises:
        RefusedError: if one of them is somebody else's.
    """
    async with _taking:
        for image in images:
            if build not in NAMES.holders(full(image)) and not image.repository:
                await _check_free(image)
        NAMES.hold(images, build)


async def _check_free(image: Image) -> None:
    if image.name in _RESERVED or image.name.startswith(_RESERVED_BELOW):
        raise RefusedError(f"the name {image} is refused: the local cloud runs images of this name. Choose another")
    status, _answer = await daemon.ask("GET", f"/images/{quote(str(image), safe='/:')}/json")
    if status == daemon.NOT_FOUND or NAMES.holders(full(image)):
        return
    raise RefusedError(
        f"the name {image} is refused: an image on this machine has it, and this build did not make that image. "
        "Functions, tasks and other builds would run yours in its place. Choose another name"
    )


def check_seen(build: str, image: Image) -> None:
    """Raise if the image of that name is another build's."""
    holders = NAMES.holders(full(image))
    if holders and build not in holders and not image.repository:
        raise RefusedError(f"the image {image} is one of the build {holders.pop()}, which gave it this name")


def full(image: Image) -> str:
    """Returns the name with a tag: `latest`, as Docker reads a name without one."""
    return str(image) if image.tag or image.digest else f"{image}:latest"


async def end(build: str, under_way: set[asyncio.Task[None]]) -> None:
    """Remove the names of a build, unless calls that give names are under way: then when they have ended."""
    if not under_way:
        await _remove(NAMES.ended(build))
    task = asyncio.get_running_loop().create_task(_end_late(build, under_way))
    _late.add(task)
    task.add_done_callback(_late.discard)


_late: set[asyncio.Task[None]] = set()


async def _end_late(build: str, under_way: set[asyncio.Task[None]]) -> None:
    await asyncio.gather(*under_way, return_exceptions=True)
    await _remove(NAMES.ended(build))
    # The daemon ends a `docker build` that nobody waits for without an answer, and its last act is to give the name.
    await asyncio.sleep(_SECOND_LOOK_SECONDS)
    async with _taking:
        names = NAMES.ended(build)
        await _remove(names)
        NAMES.drop(names, build)


async def _remove(names: Iterable[str]) -> None:
    for name in names:
        try:
            status, answer = await daemon.ask("DELETE", f"/images/{quote(name, safe='/:')}?force=1")
        except OSError as error:  # the daemon is gone; network.remove() takes what is left
            status, answer = 0, error
        if status not in (*daemon.OK, daemon.NOT_FOUND):
            logger.warning("the image name %s of a build stays: %s", name, answer)


# --- images that others get by these names ----------------------------------------------------------------------------


def install() -> None:
    """Make the rest of the local cloud pull an image if a build has its name, as if it were missing here."""
    get, pull, create = ImageCollection.get, ImageCollection.pull, ContainerCollection.create
    pulling = threading.local()

    def getting(self: ImageCollection, name: str) -> Any:
        if not getattr(pulling, "now", False):
            _hide(name)
        return get(self, name)

    def pulled(self: ImageCollection, repository: str, *arguments: Any, **options: Any) -> Any:
        pulling.now = True  # docker-py gets what it has pulled
        try:
            image = pull(self, repository, *arguments, **options)
        finally:
            pulling.now = False
        tag = str((arguments[0] if arguments else options.get("tag")) or "")
        name = f"{repository}{'@' if ':' in tag else ':'}{tag}" if tag else repository
        if is_of_a_build(name):
            NAMES.drop([full(parse(name))])
        return image

    def creating(self: ContainerCollection, image: Any, *arguments: Any, **options: Any) -> Container:
        _hide(image)
        return create(self, image, *arguments, **options)

    ImageCollection.get = getting  # type: ignore[method-assign]  # docker-py has no other seam
    ImageCollection.pull = pulled  # type: ignore[method-assign]  # docker-py has no other seam
    ContainerCollection.create = creating  # type: ignore[method-assign]  # docker-py has no other seam


def _hide(name: object) -> None:
    if is_of_a_build(name):
        raise ImageNotFound(f"the image {name} on this machine is one that a build made: it is that build's only")
