"""The images and layers of public repositories: docs.aws.amazon.com/AmazonECRPublic/latest/APIReference."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.json_services import Request, ServiceError

_PART = 20 * 1024 * 1024
_LEAST_PART = 5 * 1024 * 1024  # LayerPartTooSmallException
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Image:
    """An image: its manifest and tags."""

    manifest: str
    media_type: str
    pushed: float
    tags: set[str] = field(default_factory=set)


@dataclass
class Repository:
    """A public repository."""

    name: str
    account: str
    description: str
    layers: MutableMapping[str, bytes]
    sizes: dict[str, int] = field(default_factory=dict)
    """The bytes of each layer."""
    created: float = field(default_factory=time.time)
    images: dict[str, Image] = field(default_factory=dict)
    uploads: dict[str, list[bytes]] = field(default_factory=dict)

    def tagged(self, tag: str) -> str | None:
        """Returns the digest of the image with a tag."""
        return next((digest for digest, image in self.images.items() if tag in image.tags), None)


def check_layers(repository: Repository, request: Request) -> dict[str, Any]:
    """BatchCheckLayerAvailability."""
    states = {True: "AVAILABLE", False: "UNAVAILABLE"}
    layers = [
        {"layerDigest": digest, "layerAvailability": states[digest in repository.sizes]}
        for digest in request["layerDigests"]
    ]
    return {"layers": layers, "failures": []}


def begin_layer(repository: Repository, _request: Request) -> dict[str, Any]:
    """InitiateLayerUpload."""
    upload = str(uuid.uuid4())
    repository.uploads[upload] = []
    return {"uploadId": upload, "partSize": _PART}


def add_part(repository: Repository, request: Request) -> dict[str, Any]:
    """UploadLayerPart; parts must come in order and without gaps."""
    parts = _upload(repository, request)
    content, done = base64.b64decode(request["layerPartBlob"]), sum(map(len, parts))
    if request["partFirstByte"] != done or request["partLastByte"] != done + len(content) - 1 or len(content) > _PART:
        raise ServiceError(
            "InvalidLayerPartException", f"The part must begin with byte {done} and have at most {_PART} bytes"
        )
    parts.append(content)
    return {**_named(repository), "uploadId": request["uploadId"], "lastByteReceived": done + len(content) - 1}


def end_layer(repository: Repository, request: Request) -> dict[str, Any]:
    """CompleteLayerUpload."""
    parts = _upload(repository, request)
    content = b"".join(parts)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if not content:
        raise ServiceError("EmptyUploadException", "The upload has no parts")
    if digest not in request["layerDigests"]:
        raise ServiceError("InvalidLayerException", f"The digest of the upload is {digest}")
    if any(len(part) < _LEAST_PART for part in parts[:-1]):
        raise ServiceError("LayerPartTooSmallException", "Layer parts are required to be at least 5 MiB in size")
    if digest in repository.sizes:
        raise ServiceError("LayerAlreadyExistsException", f"The layer {digest} already exists")
    del repository.uploads[request["uploadId"]]
    repository.layers[digest], repository.sizes[digest] = content, len(content)
    return {**_named(repository), "uploadId": request["uploadId"], "layerDigest": digest}


def put_image(repository: Repository, request: Request) -> dict[str, Any]:
    """PutImage; a tag moves to the image, since tags of ECR Public are mutable."""
    manifest, tag = request["imageManifest"], request.get("imageTag")
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    if request.get("imageDigest") not in (None, digest):
        raise ServiceError("ImageDigestDoesNotMatchException", f"The digest of the manifest is {digest}")
    document = _document(manifest)
    missing = [wanted for wanted in _layers(document) if wanted not in repository.sizes]
    if missing:
        raise ServiceError("LayersNotFoundException", f"Layers with digests {', '.join(missing)} do not exist")
    if digest in repository.images and (tag is None or tag in repository.images[digest].tags):
        raise ServiceError("ImageAlreadyExistsException", f"Image with digest '{digest}' already exists")
    media = request.get("imageManifestMediaType") or document.get("mediaType") or _MANIFEST
    image = repository.images.setdefault(digest, Image(manifest, media, time.time()))
    if tag:
        for other in repository.images.values():
            other.tags.discard(tag)
        image.tags.add(tag)
    identity = {"imageDigest": digest, **({"imageTag": tag} if tag else {})}
    shown = {"imageId": identity, "imageManifest": manifest, "imageManifestMediaType": media}
    return {"image": {**_named(repository), **shown}}


def describe_images(repository: Repository, request: Request) -> dict[str, Any]:
    """DescribeImages."""
    wanted = request.get("imageIds")
    if wanted is None:
        return {"imageDetails": [_detail(repository, digest) for digest in repository.images]}
    found = []
    for identity in wanted:
        digest = identity.get("imageDigest") or repository.tagged(str(identity.get("imageTag")))
        if digest not in repository.images:
            shown = ", ".join(f"{key}:'{value}'" for key, value in identity.items())
            raise ServiceError(
                "ImageNotFoundException",
                f"The image with imageId {{{shown}}} does not exist within the repository with name "
                f"'{repository.name}' in the registry with id '{repository.account}'",
            )
        found.append(_detail(repository, digest))
    return {"imageDetails": found}


def describe_tags(repository: Repository, _request: Request) -> dict[str, Any]:
    """DescribeImageTags."""
    rows = [
        {
            "imageTag": tag,
            "createdAt": image.pushed,
            "imageDetail": {"imageDigest": digest, "imagePushedAt": image.pushed},
        }
        for digest, image in repository.images.items()
        for tag in sorted(image.tags)
    ]
    return {"imageTagDetails": rows}


def _upload(repository: Repository, request: Request) -> list[bytes]:
    found = repository.uploads.get(request["uploadId"])
    if found is None:
        raise ServiceError("UploadNotFoundException", f"There is no upload {request['uploadId']}")
    return found


def _document(manifest: str) -> Mapping[str, Any]:
    try:
        found = json.loads(manifest)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ServiceError("InvalidParameterException", "The manifest is not a JSON object")
    return found


def _layers(document: Mapping[str, Any]) -> list[str]:
    parts = [document.get("config"), *(document.get("layers") or [])]
    return [str(part["digest"]) for part in parts if isinstance(part, dict) and "digest" in part]


def _detail(repository: Repository, digest: str) -> dict[str, Any]:
    image = repository.images[digest]
    size = sum(repository.sizes.get(layer, 0) for layer in _layers(_document(image.manifest)))
    return {
        **_named(repository),
        "imageDigest": digest,
        "imageTags": sorted(image.tags),
        "imageSizeInBytes": size,
        "imagePushedAt": image.pushed,
        "imageManifestMediaType": image.media_type,
    }


def _named(repository: Repository) -> dict[str, str]:
    return {"registryId": repository.account, "repositoryName": repository.name}
