"""Checks that the images in use were built for the architecture of their environment."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from products import names
from slipway_cli.doctor.model import Finding, missing, ok
from slipway_cli.doctor.scene import Check, Scene, none_if

_NAMES = {"arm64": "arm64", "x86_64": "amd64"}  # Go's names, which image configurations use
_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_SECONDS = 8
_LARGEST = 1_000_000  # bytes of a configuration; those of real images have a few thousand


def _images(scene: Scene) -> Iterator[Finding]:
    if not scene.tooling:
        return
    for image in scene.product.images:
        repository = names.repository(scene.product.name, image)
        for environment, settings in scene.product.environments.items():
            found = _architectures(scene, repository, names.in_use_tag(environment, "running"))
            if found is None:
                continue
            check, wanted = f"image {image} in {environment}", _NAMES[settings.architecture]
            if wanted in found:
                yield ok(check, f"built for {wanted}")
            else:
                deploy = f"npx cdk deploy tooling/Delivery -c product={scene.product.name}"
                fix = f"{deploy}, then push a commit; deploy the environment when it is released"
                detail = f"built for {', '.join(sorted(found))}, the manifest says {settings.architecture}"
                yield missing(check, detail, fix)


def _architectures(scene: Scene, repository: str, tag: str) -> set[str] | None:
    """Returns the architectures of an image; None if there is no such image."""
    ecr = scene.client("ecr")
    answer = none_if(
        {"RepositoryNotFoundException"},
        ecr.batch_get_image,
        repositoryName=repository,
        imageIds=[{"imageTag": tag}],
        acceptedMediaTypes=list(_TYPES),
    )
    if answer is None or not answer["images"]:
        return None
    manifest = json.loads(answer["images"][0]["imageManifest"])
    if "manifests" in manifest:
        platforms = [entry.get("platform", {}) for entry in manifest["manifests"]]
        return {platform["architecture"] for platform in platforms if platform.get("architecture", "") != "unknown"}
    return {str(_configuration(ecr, repository, manifest).get("architecture", "unknown"))}


def _configuration(ecr: Any, repository: str, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    digest = manifest["config"]["digest"]
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)["downloadUrl"]
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - AWS's own signed URL
        found: dict[str, Any] = json.loads(answer.read(_LARGEST))
    return found


CHECKS = (Check("images", _images),)
