"""ECR's API for layers: uploads in parts, and addresses of downloads, which contain a secret as presigned ones do.

MiniStack keeps only what Docker pushes to the registry, its addresses lead to AWS, and it has no layer, if asked.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.services import ecr

from localcloud import settings
from localcloud.asgi import Application, Message, Receive, Send, headers_of, send_answer
from localcloud.iam.root import from_container

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:error_response_json",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.core.responses:json_response",
    "ministack.core.responses:request_scope",
    "ministack.services.ecr:_batch_check_layer_availability",
    "ministack.services.ecr:_complete_layer_upload",
    "ministack.services.ecr:_get_download_url_for_layer",
    "ministack.services.ecr:_layer_blobs",
    "ministack.services.ecr:_repositories",
    "ministack.services.ecr:_upload_layer_part",
    "ministack.services.ecr:reset",
)

PATH = "/_localcloud/layers/"
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
SECONDS = 3600  # API reference, GetDownloadUrlForLayer, shows an address that is valid for an hour
Request = Mapping[str, Any]

_parts: dict[str, bytes] = {}
_addresses: dict[str, tuple[float, str, str, str, str]] = {}  # secret -> end, account, region, repository, digest


def _check(request: Request) -> Any:
    name = str(request.get("repositoryName", ""))
    if name not in ecr._repositories:
        message = f"The repository with name '{name}' does not exist in the registry with id '{get_account_id()}'"
        return error_response_json("RepositoryNotFoundException", message, 400)
    held: Any = ecr._layer_blobs.get(name) or {}
    layers = [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": held.size(digest)}
        if digest in held
        else {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
        for digest in request.get("layerDigests", [])
    ]
    return json_response({"layers": layers, "failures": []})


def _upload(request: Request) -> Any:
    upload = str(request.get("uploadId", ""))
    _parts[upload] = _parts.get(upload, b"") + base64.b64decode(request.get("layerPartBlob", ""))
    answer = {key: request.get(key, "") for key in ("repositoryName", "uploadId")}
    return json_response({**answer, "registryId": get_account_id(), "lastByteReceived": len(_parts[upload]) - 1})


def _complete(request: Request) -> Any:
    name, upload = str(request.get("repositoryName", "")), str(request.get("uploadId", ""))
    content = _parts.pop(upload, b"")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if not content:
        return error_response_json("EmptyUploadException", "The upload has no parts", 400)
    if digest not in request.get("layerDigests", []):
        return error_response_json("InvalidLayerException", f"The digest of the upload is {digest}", 400)
    ecr._layer_blobs.setdefault(name, {})[digest] = content
    answer = {"registryId": get_account_id(), "repositoryName": name, "uploadId": upload, "layerDigest": digest}
    return json_response(answer)


def _address(request: Request) -> Any:
    name, digest = str(request.get("repositoryName", "")), str(request.get("layerDigest", ""))
    if name not in ecr._repositories:
        message = f"The repository with name '{name}' does not exist in the registry with id '{get_account_id()}'"
        return error_response_json("RepositoryNotFoundException", message, 400)
    if digest not in (ecr._layer_blobs.get(name) or {}):
        return error_response_json("LayersNotFoundException", f"Layer '{digest}' not found in '{name}'", 400)
    secret = secrets.token_urlsafe(32)
    _addresses[secret] = (time.time() + SECONDS, get_account_id(), get_region(), name, digest)
    root = settings.current().container_url if from_container.get() else settings.current().url
    return json_response({"downloadUrl": f"{root}{PATH}{secret}", "layerDigest": digest})


def around(application: Application) -> Application:
    """Returns the application with the downloads."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await application(scope, receive, send)
            return
        content = _content(scope["path"].removeprefix(PATH))
        status = HTTPStatus.FORBIDDEN if content is None else HTTPStatus.OK
        headers, content = {"Content-Type": "application/octet-stream"}, content or b""
        wanted = _RANGE.fullmatch(headers_of(scope).get("range", ""))
        if wanted and int(wanted[1]) < len(content):
            first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
            status, headers["Content-Range"] = HTTPStatus.PARTIAL_CONTENT, f"bytes {first}-{last}/{len(content)}"
            content = content[first : last + 1]
        await send_answer(send, scope, status, headers, content)

    return wrapped


def _content(secret: str) -> bytes | None:
    end, account, region, name, digest = _addresses.get(secret, (0.0, "", "", "", ""))
    if end < time.time():
        _addresses.pop(secret, None)
        return None
    with request_scope(account, region):
        found: bytes | None = (ecr._layer_blobs.get(name) or {}).get(digest)
    return found


def install() -> None:
    """Replace MiniStack's operations."""
    ecr._batch_check_layer_availability = _check
    ecr._upload_layer_part = _upload
    ecr._complete_layer_upload = _complete
    ecr._get_download_url_for_layer = _address
    original = ecr.reset

    def reset() -> None:
        _parts.clear()
        _addresses.clear()
        original()

    ecr.reset = reset
