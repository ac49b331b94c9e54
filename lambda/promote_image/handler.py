"""Tags the images of a release in ECR: puts the same manifest again, copies no layer, and verifies the digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import HERE, code
from shared.job import Done, Failed, Job, answer
from shared.parameters import ParameterError, Parameters, digest

_MINUTES = 10
_MANIFESTS = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]


@dataclass(frozen=True)
class Image:
    """An image: its repository and its digest."""

    repository: str
    digest: str

    @classmethod
    def parse(cls, uri: str) -> Image:
        """Parses `<registry>/<repository>@sha256:<digest>`."""
        name, _, _ = uri.partition("@")
        registry, _, repository = name.partition("/")
        if not registry or not repository:
            raise ParameterError(f"'{uri}' must name an image as <registry>/<repository>@sha256:<digest>")
        return cls(repository, digest(uri))


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
    manifests = {image: _manifest(ecr, image) for image in settings.images}
    for image in settings.images:
        _refuse_other(ecr, image, settings.tag)
    for image, manifest in manifests.items():
        _put(ecr, image, manifest, settings.tag)
    names = ", ".join(f"{image.repository}@{image.digest}" for image in settings.images)
    return Done(f"{settings.tag} is {names}")


def _manifest(ecr: Any, image: Image) -> dict[str, Any]:
    found = ecr.batch_get_image(
        repositoryName=image.repository, imageIds=[{"imageDigest": image.digest}], acceptedMediaTypes=_MANIFESTS
    )
    if not found["images"]:
        reasons = "; ".join(str(failure.get("failureReason")) for failure in found.get("failures", []))
        raise Failed(f"{image.repository} has no image {image.digest}: {reasons or 'no reason was given'}")
    manifest: dict[str, Any] = found["images"][0]
    actual = f"sha256:{hashlib.sha256(manifest['imageManifest'].encode()).hexdigest()}"
    if actual != image.digest:
        raise Failed(f"the manifest of {image.repository}@{image.digest} has the digest {actual}: do not release it")
    return manifest


def _tagged(ecr: Any, image: Image, tag: str) -> str | None:
    """Returns the digest that a tag names, or None if there is no such tag."""
    try:
        found = ecr.describe_images(repositoryName=image.repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except ClientError as error:
        if code(error) != "ImageNotFoundException":
            raise
        return None
    return str(found[0]["imageDigest"]) if found else None


def _refuse_other(ecr: Any, image: Image, tag: str) -> None:
    found = _tagged(ecr, image, tag)
    if found not in (None, image.digest):
        raise Failed(
            f"{image.repository}:{tag} already names {found}, not {image.digest}: a release's tag never moves; "
            "raise the version"
        )


def _put(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> None:
    if _tagged(ecr, image, tag) == image.digest:
        return
    media = manifest.get("imageManifestMediaType")
    try:
        ecr.put_image(
            repositoryName=image.repository,
            imageManifest=manifest["imageManifest"],
            imageTag=tag,
            imageDigest=image.digest,
            **({"imageManifestMediaType": media} if media else {}),
        )
    except ClientError as error:
        if code(error) != "ImageAlreadyExistsException":  # an earlier request tagged it
            raise
    found = _tagged(ecr, image, tag)
    if found != image.digest:
        raise Failed(f"{image.repository}:{tag} names {found} after tagging {image.digest}")
