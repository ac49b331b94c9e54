"""Publishes an image that a build pushed before the tests passed: copies it to the repository of what may be released.

The same layers and manifest, so the same digest: nothing is built again. Layers that earlier releases left in the
repository are not copied. The tags are those that the build said, each of one kind; the tag with the commit, by which
the image is looked up, comes first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from images.layers import Layers, Place, digests
from shared import registry
from shared.aws import HERE, code
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters
from shared.registry import Image

_MINUTES = 30
_SECONDS = 90  # of a call in which a further layer is begun; the function ends after three minutes


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    registry: str
    built: Image
    """The image where its build pushed it; it is in the target already if an earlier run published this commit."""
    published: Image
    commit_tag: str
    tags: tuple[tuple[str, str], ...]
    """The kind and the text of each further tag."""
    version: str
    release_tag: str

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        uri, repositories = parameters.text("image"), parameters.table("repositories")
        built = Image.parse(uri)
        target = built.repository if built.repository in repositories.values() else repositories.get(built.repository)
        if target is None:
            known = ", ".join(sorted(repositories))
            raise ParameterError(f"'{uri}' is in none of the repositories that builds push to: {known}")
        tags = tuple(_tag(word) for word in parameters.text("tags").split())
        settings = cls(
            uri.partition("/")[0],
            built,
            Image(target, built.digest),
            f"commit-{parameters.text('commit')}",
            tags,
            parameters.text("version"),
            parameters.text("release_tag"),
        )
        parameters.refuse_unknown()
        return settings


def _tag(word: str) -> tuple[str, str]:
    kind, _, tag = word.partition(":")
    if kind not in _KINDS or not tag:
        raise ParameterError(f"parameter 'tags' has '{word}'; write {', '.join(f'{kind}:<tag>' for kind in _KINDS)}")
    return kind, tag


def main(event: dict[str, Any], _context: object) -> None:
    """Copies what is missing, and puts the tags when all is there."""
    answer(event, publish, minutes=_MINUTES)


def publish(job: Job) -> Done | Wait:
    """Copies the image, a few layers in each call; fails before the first one if the commit has another image."""
    settings = Settings.from_parameters(job.parameters)
    ecr, image = HERE.client("ecr"), settings.published
    found = registry.tagged(ecr, image, settings.commit_tag)
    if found not in (None, image.digest):
        raise Failed(
            f"{image.repository}:{settings.commit_tag} already is {found}, not {image.digest}: another run published "
            "this commit meanwhile; retry the stage that builds it, which then takes that image"
        )
    if found is None:
        manifest = registry.manifest_of(ecr, settings.built)
        waiting = _copy(ecr, settings, manifest)
        if waiting:
            return waiting
        registry.put(ecr, image, manifest, settings.commit_tag)
    manifest = registry.manifest_of(ecr, image)
    notes = [note for kind, tag in settings.tags if (note := _KINDS[kind](ecr, image, manifest, tag))]
    variables = {
        "IMAGE": f"{settings.registry}/{image.repository}@{image.digest}",
        "RELEASE_VERSION": settings.version,
        "RELEASE_TAG": settings.release_tag,
    }
    summary = f"{image.repository}@{image.digest} is {settings.version}"
    return Done(". ".join([summary, *notes]), variables=variables)


def _copy(ecr: Any, settings: Settings, manifest: dict[str, Any]) -> Wait | None:
    source, target = Place(ecr, settings.built.repository), Place(ecr, settings.published.repository)
    needed = digests(manifest)
    if not needed:
        raise Failed(
            f"{settings.built.repository}@{settings.built.digest} is an image of several platforms, which this action "
            "does not copy: build it for one"
        )
    layers, until = Layers(source, target), time.monotonic() + _SECONDS
    missing = layers.missing(needed)
    for number, layer in enumerate(missing):
        if number and time.monotonic() > until:
            return Wait(f"{target.repository}: {len(missing) - number} layers are left")
        layers.copy(layer)
    return None


# --- tags, each kind with what it says if the tag names another image ------------------------------------------------


def _first(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> str:
    """A version names its first image."""
    found = _if_free(ecr, image, manifest, tag)
    return f"{tag} stays {found}: a version names one image" if found else ""


def _label(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> str:
    """A short name of a commit may be another commit's too; nothing is looked up by it."""
    found = _if_free(ecr, image, manifest, tag)
    return f"{tag} stays {found}, the image of another build" if found else ""


def _moved(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> str:
    """A moving tag names the newest image."""
    if _moves(ecr, image, manifest, tag):
        return ""
    raise Failed(
        f"the tag {tag} of {image.repository} names another image and cannot move: deploy the stack Registry, which "
        "excepts it from immutability, or take it out of pipeline.tags"
    )


def _tried(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> str:
    """A tag with a branch's name moves, if the registry knows its pattern."""
    return "" if _moves(ecr, image, manifest, tag) else f"{tag} does not move: the registry knows no such branch"


_KINDS: dict[str, Callable[[Any, Image, dict[str, Any], str], str]] = {
    "first": _first,
    "label": _label,
    "moved": _moved,
    "tried": _tried,
}


def _if_free(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> str | None:
    """Puts a tag that names no image yet. Returns the digest of the other image that it names, if any."""
    found = registry.tagged(ecr, image, tag)
    if found is None and not _put(ecr, image, manifest, tag):
        found = registry.tagged(ecr, image, tag)
    return found if found != image.digest else None


def _moves(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> bool:
    return registry.tagged(ecr, image, tag) == image.digest or _put(ecr, image, manifest, tag)


def _put(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> bool:
    """True if the tag now names the image; False if it is immutable and names another one."""
    try:
        registry.put(ecr, image, manifest, tag)
    except ClientError as error:
        if code(error) != "ImageTagAlreadyExistsException":
            raise
        return False
    return True
