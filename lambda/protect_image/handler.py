"""Keeps the images of a release in ECR: they get a tag that never expires before the release waits for an approval.

The deployment itself does the same for what it deploys (deploy_release), so a rollback, which skips this action, is
protected too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.aws import HERE
from shared.job import Done, Job, answer
from shared.parameters import ParameterError, Parameters
from shared.registry import Image, protect

_MINUTES = 10


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    images: tuple[Image, ...]
    tag: str
    """The tag that moves to these images, e.g. in-use-production-waiting."""
    entered: str
    """Prefix of the tag that an image keeps, e.g. `entered-`."""

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            tuple(Image.parse(uri) for uri in parameters.texts("images")),
            parameters.text("tag"),
            parameters.text("entered"),
        )
        parameters.refuse_unknown()
        if not settings.images:
            raise ParameterError("parameter 'images' is empty: name at least one image by digest")
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Puts the tags on all images."""
    answer(event, keep, minutes=_MINUTES)


def keep(job: Job) -> Done:
    """Puts the tags on all images; doing it again changes nothing."""
    settings = Settings.from_parameters(job.parameters)
    protect(HERE.client("ecr"), settings.images, tag=settings.tag, entered=settings.entered)
    names = ", ".join(f"{image.repository}@{image.digest}" for image in settings.images)
    return Done(f"{settings.tag} is {names}")
