"""Copies layers from a repository of ECR to another, or to ECR Public, in parts: a layer need not fit into memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Unanswered, code
from shared.http import request
from shared.job import Failed

_ASKED = 100  # layers that one call of BatchCheckLayerAvailability accepts
_PART = 10 * 1024 * 1024  # bytes; a part has at least 5 MiB, but the last, and at most 20 MiB
_AWAITED_SECONDS = 60


def digests(manifest: dict[str, Any]) -> list[str]:
    """Returns the digests of an image's configuration and layers; none for an image of several platforms."""
    document = json.loads(manifest["imageManifest"])
    if "layers" not in document:
        return []
    return list(dict.fromkeys([document["config"]["digest"], *(layer["digest"] for layer in document["layers"])]))


@dataclass(frozen=True)
class Place:
    """A repository, and the client of its registry."""

    client: Any
    repository: str


class Layers:
    """The layers of an image in its repository and in the one that it is copied to."""

    def __init__(self, source: Place, target: Place) -> None:
        self._source, self._target = source, target

    def missing(self, digests: list[str]) -> list[str]:
        """Returns those of the layers that the target does not have."""
        found: set[str] = set()
        for start in range(0, len(digests), _ASKED):
            asked = self._target.client.batch_check_layer_availability(
                repositoryName=self._target.repository, layerDigests=digests[start : start + _ASKED]
            )
            found |= {layer["layerDigest"] for layer in asked["layers"] if layer["layerAvailability"] == "AVAILABLE"}
        return [digest for digest in digests if digest not in found]

    def copy(self, digest: str) -> None:
        """Copies a layer; the target's registry compares the content with the digest.

        Raises:
            Failed: if the source has no such layer.
            Unanswered: if a part does not arrive; the layer is copied again from its beginning.
        """
        address = self._source.client.get_download_url_for_layer(
            repositoryName=self._source.repository, layerDigest=digest
        )
        upload = self._target.client.initiate_layer_upload(repositoryName=self._target.repository)["uploadId"]
        first, size = 0, 1
        while first < size:
            part, size = _part(address["downloadUrl"], first)
            self._send(upload, first, part)
            first += len(part)
        try:
            self._target.client.complete_layer_upload(
                repositoryName=self._target.repository, uploadId=upload, layerDigests=[digest]
            )
        except ClientError as error:
            if code(error) != "LayerAlreadyExistsException":  # a duplicate of this call was faster
                raise

    def _send(self, upload: str, first: int, part: bytes) -> None:
        """Sends a part of a layer."""
        try:
            self._target.client.upload_layer_part(
                repositoryName=self._target.repository,
                uploadId=upload,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
        except ClientError as error:
            if code(error) != "InvalidLayerPartException":
                raise
            raise Unanswered("a part arrived whose confirmation was lost: the layer is sent again") from error


def _part(url: str, first: int) -> tuple[bytes, int]:
    """Returns a part of a layer from its byte `first`, and the size of the layer."""
    wanted = {"Range": f"bytes={first}-{first + _PART - 1}"}
    found = request("GET", url, headers=wanted, timeout=_AWAITED_SECONDS, limit=_PART)
    if found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unanswered(f"the storage of layers answered {found.status}")
    if found.status == HTTPStatus.OK and first == 0:
        size = int(found.headers.get("content-length", len(found.body)))
    elif found.status == HTTPStatus.PARTIAL_CONTENT:
        size = int(found.headers["content-range"].rpartition("/")[2])
    else:
        raise Failed(f"the storage of layers answered {found.status}: retry this stage")
    if not found.body or (found.status == HTTPStatus.OK and size != len(found.body)):
        raise Unanswered("a part of a layer did not arrive")
    return found.body, size
