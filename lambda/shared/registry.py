"""Images in ECR: reads the manifest of an image, and puts further tags on it without copying a layer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import code
from shared.job import Failed
from shared.parameters import ParameterError, digest

_MANIFESTS = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]
_DIGITS = 12  # of the image's digest in its `entered-` tag; 16 million images of one repository have no two alike


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


def manifest_of(ecr: Any, image: Image) -> dict[str, Any]:
    """Returns the image as BatchGetImage describes it.

    Raises:
        Failed: if the image does not exist, or its manifest does not have its digest.
    """
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


def tagged(ecr: Any, image: Image, tag: str) -> str | None:
    """Returns the digest that a tag names in the image's repository, or None if there is no such tag."""
    try:
        found = ecr.describe_images(repositoryName=image.repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except ClientError as error:
        if code(error) != "ImageNotFoundException":
            raise
        return None
    return str(found[0]["imageDigest"]) if found else None


def put(ecr: Any, image: Image, manifest: dict[str, Any], tag: str) -> None:
    """Puts a tag on an image that may have it already.

    Raises:
        ClientError: ImageTagAlreadyExistsException if the tag is immutable and names another image.
    """
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


def protect(ecr: Any, images: Iterable[Image], *, tag: str, entered: str) -> None:
    """Moves a tag that never expires to images, and puts their own tag of entered images on them.

    `tag` names what the images are in use for, such as in-use-staging-running. `entered` begins the second tag, by
    which the registry keeps the newest images that entered an environment.

    Raises:
        Failed: if an image does not exist, or its repository does not let the tag move.
    """
    for image in sorted(set(images), key=lambda image: (image.repository, image.digest)):
        own = f"{entered}{image.digest.removeprefix('sha256:')[:_DIGITS]}"
        missing = [name for name in (tag, own) if tagged(ecr, image, name) != image.digest]
        if not missing:
            continue
        manifest = manifest_of(ecr, image)
        for name in missing:
            try:
                put(ecr, image, manifest, name)
            except ClientError as error:
                if code(error) != "ImageTagAlreadyExistsException":
                    raise
                raise Failed(
                    f"the tag {name} of {image.repository} names another image and cannot move: deploy the stack "
                    "Registry, which excepts it from immutability"
                ) from error
