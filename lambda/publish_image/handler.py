"""Copies the images of a release from ECR to ECR Public: the same layers and manifest, so the same digest."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from images.layers import Layers, digests
from images.layers import Place as Repository
from shared import registry
from shared.aws import HERE, Place, code
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters
from shared.registry import Image

_MINUTES = 30
_SECONDS = 90  # of a call in which a further layer is begun; the function ends after three minutes
REGION = "us-east-1"  # the only region in which images can be pushed: docs.aws.amazon.com/general, Amazon ECR Public


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    images: tuple[Image, ...]
    tag: str

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(tuple(Image.parse(uri) for uri in parameters.texts("images")), parameters.text("tag"))
        parameters.refuse_unknown()
        if not settings.images:
            raise ParameterError("parameter 'images' is empty: name at least one image by digest")
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Copies what is missing, and puts the tag when all is there."""
    answer(event, publish, minutes=_MINUTES)


def publish(job: Job) -> Done | Wait:
    """Copies the images, a few layers in each call; fails before the first layer if a tag names another image."""
    settings = Settings.from_parameters(job.parameters)
    private, public = HERE.client("ecr"), Place(REGION, None).client("ecr-public")
    until = time.monotonic() + _SECONDS
    left = [image for image in settings.images if not _is_public(public, image, settings.tag)]
    for image in left:
        manifest = registry.manifest_of(private, image)
        layers = Layers(Repository(private, image.repository), Repository(public, image.repository))
        missing = layers.missing(_digests(image, manifest))
        for number, digest in enumerate(missing):
            if number and time.monotonic() > until:
                return Wait(f"{image.repository}: {len(missing) - number} layers are left")
            layers.copy(digest)
        _put(public, image, manifest, settings.tag)
    names = ", ".join(f"{image.repository}@{image.digest}" for image in settings.images)
    return Done(f"{settings.tag} is public: {names}")


def _is_public(public: Any, image: Image, tag: str) -> bool:
    """True if the tag names the image; raises Failed if it names another, since tags of ECR Public can be moved."""
    found = registry.tagged(public, image, tag)
    if found not in (None, image.digest):
        raise Failed(
            f"{image.repository}:{tag} of ECR Public already is {found}, not {image.digest}: a release's tag never "
            "moves; raise the version"
        )
    return found is not None


def _digests(image: Image, manifest: dict[str, Any]) -> list[str]:
    """Returns the digests of an image's configuration and layers."""
    found = digests(manifest)
    if not found:
        raise Failed(
            f"{image.repository}@{image.digest} is an image of several platforms, which this action does not copy: "
            "build it for one, or remove `public`"
        )
    return found


def _put(public: Any, image: Image, manifest: dict[str, Any], tag: str) -> None:
    try:
        registry.put(public, image, manifest, tag)
    except ClientError as error:
        if code(error) == "LayersNotFoundException":
            raise Failed(f"{image.repository}: ECR Public lost a layer of {image.digest}; retry this stage") from error
        raise
    if not _is_public(public, image, tag):
        raise Failed(f"{image.repository}:{tag} of ECR Public does not exist after it was put")
