"""Copies layers from ECR to ECR Public in parts, so that a layer need not fit into memory."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Unanswered, code
from shared.http import request
from shared.job import Failed

_ASKED = 100  # layers that one call of BatchCheckLayerAvailability accepts
_PART = 10 * 1024 * 1024  # bytes; a part has at least 5 MiB, but the last, and at most 20 MiB
_AWAITED_SECONDS = 60


class Layers:
    """The layers of one repository, in both registries."""

    def __init__(self, private: Any, public: Any, repository: str) -> None:
        self._private, self._public, self._repository = private, public, repository

    def missing(self, digests: list[str]) -> list[str]:
        """Returns those of the layers that ECR Public does not have."""
        found: set[str] = set()
        for start in range(0, len(digests), _ASKED):
            asked = self._public.batch_check_layer_availability(
                repositoryName=self._repository, layerDigests=digests[start : start + _ASKED]
            )
            found |= {layer["layerDigest"] for layer in asked["layers"] if layer["layerAvailability"] == "AVAILABLE"}
        return [digest for digest in digests if digest not in found]

    def copy(self, digest: str) -> None:
        """Copies a layer; ECR Public compares the content with the digest.

        Raises:
            Failed: if ECR has no such layer.
            Unanswered: if a part does not arrive; the layer is copied again from its beginning.
        """
        address = self._private.get_download_url_for_layer(repositoryName=self._repository, layerDigest=digest)
        upload = self._public.initiate_layer_upload(repositoryName=self._repository)["uploadId"]
        first, size = 0, 1
        while first < size:
            part, size = _part(address["downloadUrl"], first)
            self._send(upload, first, part)
            first += len(part)
        try:
            self._public.complete_layer_upload(repositoryName=self._repository, uploadId=upload, layerDigests=[digest])
        except ClientError as error:
            if code(error) != "LayerAlreadyExistsException":  # a duplicate of this call was faster
                raise

    def _send(self, upload: str, first: int, part: bytes) -> None:
        """Sends a part of a layer."""
        try:
            self._public.upload_layer_part(
                repositoryName=self._repository,
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
