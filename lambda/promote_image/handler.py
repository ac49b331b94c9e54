"""Tags the images of a release in ECR: puts the same manifest again, copies no layer, and verifies the digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared import registry
from shared.aws import HERE
from shared.job import Done, Failed, Job, answer
from shared.parameters import ParameterError, Parameters
from shared.registry import Image

_MINUTES = 10


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    images: tuple[Image, ...]
    tag: str

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            tuple(Image.parse(uri) for uri in parameters.texts("images")),
            parameters.text("tag"),
        )
        parameters.refuse_unknown()
        if not settings.images:
            raise ParameterError("parameter 'images' is empty: name at least one image by digest")
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Tags all images of a release, or none."""
    answer(event, promote, minutes=_MINUTES)


def promote(job: Job) -> Done:
    """Tags all images; fails before it tags the first if any image cannot have the tag."""
    settings = Settings.from_parameters(job.parameters)
    ecr = HERE.client("ecr")
    manifests = {image: registry.manifest_of(ecr, image) for image in settings.images}
    for image in settings.images:
        _refuse_other(ecr, image, settings.tag)
    for image, manifest in manifests.items():
        _put(ecr, image, manifest, settings.tag)
    names = ", ".join(f"{image.repository}@{image.digest}" for image in settings.images)
    return Done(f"{settings.tag} is {names}")


def _refuse_other(ecr: Any, image: Image, tag: str) -> None:
    found = registry.tagged(ecr, image, tag)
    if found not in (None, image.digest):
        raise Failed(
            f"{image.repository}:{tag} already names {found}, not {image.digest}: a release's tag never moves; "
            "raise the version"
        )


def _put(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> None:
    if registry.tagged(ecr, image, tag) == image.digest:
        return
    registry.put(ecr, image, manifest, tag)
    found = registry.tagged(ecr, image, tag)
    if found != image.digest:
        raise Failed(f"{image.repository}:{tag} names {found} after tagging {image.digest}")
