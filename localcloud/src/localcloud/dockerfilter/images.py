"""The image names that builds give, which must not affect anything else on this machine.

In AWS each build has a Docker daemon of its own, so it may give its images any name. The local cloud uses the daemon
of this machine, where functions, tasks, databases and other builds run images by name. Therefore a build may use a
name only if no other image has it; only the build itself can use the image by that name; and the name is removed when
the build ends.
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
from localcloud.dockerfilter import daemon
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.names import Image, InvalidNameError, parse

#: Images that the local cloud itself runs. Their names are reserved even if this machine does not have them yet.
_RESERVED = {parse(name).name for name in (*network.BASE_IMAGES, *network.RELAY_IMAGES)}
_RESERVED_BELOW = ("public.ecr.aws/", "aws/codebuild/", "localcloud/", "offline/")
_SECOND_LOOK_SECONDS = 10
logger = logging.getLogger("localcloud")


class Names:
    """The builds that hold each image name.

    Names are written to disk before the daemon gives them, so that the next start removes those of a killed server. A
    name in the local registry may have several holders, because every build that may push to the repository may use it.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._holders: dict[str, set[str]] = {}
        self._ended: set[str] = set()
        self._path = Path()

    def holders(self, name: str) -> set[str]:
        """Returns the builds that hold a name."""
        with self._guard:
            return set(self._holders.get(name, ()))

    def add(self, images: list[Image], build: str) -> None:
        """Makes a build a holder of names.

        Raises:
            RefusedError: if another build that still runs holds one of them.
        """
        with self._guard:
            for image in images:
                others = self._holders.get(full(image), set()) - self._ended - {build}
                if others and not image.repository:
                    raise RefusedError(
                        f"the name {image} belongs to an image of the build {others.pop()}, which runs now; builds "
                        "on this machine share one daemon. Make the name unique, e.g. with $CODEBUILD_BUILD_NUMBER"
                    )
            for image in images:
                running = self._holders.get(full(image), set()) - self._ended
                self._holders[full(image)] = running | {build}
            self._path = network.image_names(settings.current())
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._write()

    def remove(self, names: Iterable[str], build: str = "") -> None:
        """Removes names, or only one build as their holder."""
        with self._guard:
            for name in names:
                holders = self._holders.pop(name, set())
                if build and (left := holders - {build}):
                    self._holders[name] = left
            self._write()

    def end_build(self, build: str) -> list[str]:
        """Marks a build as ended. Returns those of its names that no running build holds; other builds may use them."""
        with self._guard:
            self._ended.add(build)
            return [name for name, holders in self._holders.items() if build in holders and holders <= self._ended]

    def _write(self) -> None:
        """Writes the names to the state folder, if it still exists and a name was ever given."""
        if self._path.name and self._path.parent.exists():
            temporary = self._path.with_suffix(".part")
            temporary.write_text(json.dumps(sorted(self._holders)), encoding="utf-8")
            temporary.replace(self._path)


NAMES = Names()
_claiming = asyncio.Lock()  # all gates share one event loop


def is_of_a_build(name: object) -> bool:
    """True if the image of this name was made by a build."""
    try:
        return isinstance(name, str) and bool(NAMES.holders(full(parse(name))))
    except InvalidNameError:
        return False


async def claim(build: str, images: list[Image]) -> None:
    """Lets a build give these names to images.

    Raises:
        RefusedError: if one of the names is reserved, or belongs to an image that the build did not make.
    """
    async with _claiming:
        for image in images:
            if build not in NAMES.holders(full(image)) and not image.repository:
                await _check_free(image)
        NAMES.add(images, build)


async def _check_free(image: Image) -> None:
    if image.name in _RESERVED or image.name.startswith(_RESERVED_BELOW):
        raise RefusedError(f"the name {image} is refused: the local cloud runs images of this name. Choose another")
    status, _answer = await daemon.request("GET", f"/images/{quote(str(image), safe='/:')}/json")
    if status == daemon.NOT_FOUND or NAMES.holders(full(image)):
        return
    raise RefusedError(
        f"the name {image} is refused: an image on this machine has it, and this build did not make that image. "
        "Functions, tasks and other builds would run yours in its place. Choose another name"
    )


def check_visible(build: str, image: Image) -> None:
    """Raises `RefusedError` if another build holds the name of the image."""
    holders = NAMES.holders(full(image))
    if holders and build not in holders and not image.repository:
        raise RefusedError(
            f"the image {image} belongs to the build {holders.pop()}, and no other build may use it. Give your image "
            "another name"
        )


def full(image: Image) -> str:
    """Returns the name with a tag; without one, Docker adds `latest`."""
    return str(image) if image.tag or image.digest else f"{image}:latest"


async def release(build: str, in_progress: set[asyncio.Task[None]]) -> None:
    """Removes the names of a build; if requests that give names are in progress, only after those have ended."""
    if not in_progress:
        await _remove(NAMES.end_build(build))
    task = asyncio.get_running_loop().create_task(_release_late(build, in_progress))
    _late.add(task)
    task.add_done_callback(_late.discard)


_late: set[asyncio.Task[None]] = set()


async def _release_late(build: str, in_progress: set[asyncio.Task[None]]) -> None:
    await asyncio.gather(*in_progress, return_exceptions=True)
    await _remove(NAMES.end_build(build))
    # A `docker build` whose client has left may still run in the daemon. It gives the name at its very end.
    await asyncio.sleep(_SECOND_LOOK_SECONDS)
    async with _claiming:
        names = NAMES.end_build(build)
        await _remove(names)
        NAMES.remove(names, build)


async def _remove(names: Iterable[str]) -> None:
    for name in names:
        try:
            status, answer = await daemon.request("DELETE", f"/images/{quote(name, safe='/:')}?force=1")
        except OSError as error:  # the daemon has stopped; network.remove() removes the names later
            status, answer = 0, error
        if status not in (*daemon.OK, daemon.NOT_FOUND):
            logger.warning("the image name %s of a build was not removed: %s", name, answer)


# --- the images that the rest of the local cloud gets -----------------------------------------------------------------


def install() -> None:
    """Makes docker-py treat an image that a build named as missing, so that the local cloud pulls the real one."""
    get, pull, create = ImageCollection.get, ImageCollection.pull, ContainerCollection.create
    pulling = threading.local()

    def patched_get(self: ImageCollection, name: str) -> Any:
        if not getattr(pulling, "now", False):
            _hide(name)
        return get(self, name)

    def patched_pull(self: ImageCollection, repository: str, *arguments: Any, **options: Any) -> Any:
        pulling.now = True  # docker-py calls `get` for the image it has pulled
        try:
            image = pull(self, repository, *arguments, **options)
        finally:
            pulling.now = False
        tag = str((arguments[0] if arguments else options.get("tag")) or "")
        name = f"{repository}{'@' if ':' in tag else ':'}{tag}" if tag else repository
        if is_of_a_build(name):
            NAMES.remove([full(parse(name))])
        return image

    def patched_create(self: ContainerCollection, image: Any, *arguments: Any, **options: Any) -> Container:
        _hide(image)
        return create(self, image, *arguments, **options)

    ImageCollection.get = patched_get  # type: ignore[method-assign]  # docker-py has no hook for this
    ImageCollection.pull = patched_pull  # type: ignore[method-assign]  # docker-py has no hook for this
    ContainerCollection.create = patched_create  # type: ignore[method-assign]  # docker-py has no hook for this


def _hide(name: object) -> None:
    if is_of_a_build(name):
        raise ImageNotFound(f"the image {name} on this machine was made by a build, and only that build may use it")
