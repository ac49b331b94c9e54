"""ECR image scans: the local cloud does not scan images, and reports that instead of an empty result."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import ecr

SYMBOLS: tuple[str, ...] = (
    "ministack.services.ecr:_find_image",
    "ministack.services.ecr:_registry_id",
    "ministack.services.ecr:_repositories",
    "ministack.services.ecr:error_response_json",
    "ministack.services.ecr:handle_request",
)
WHY = "UnsupportedImageError: the local cloud does not scan images"


def _answer(data: dict[str, Any]) -> Any:
    name, image = data.get("repositoryName", ""), data.get("imageId") or {}
    if name not in ecr._repositories:
        return ecr.error_response_json("RepositoryNotFoundException", f"The repository '{name}' does not exist", 400)
    found = ecr._find_image(name, image)
    if not found:
        return ecr.error_response_json("ImageNotFoundException", f"There is no image {image} in '{name}'", 400)
    body = {
        "registryId": ecr._registry_id(),
        "repositoryName": name,
        "imageId": {"imageDigest": found["imageDigest"], **image},
        "imageScanStatus": {"status": "FAILED", "description": WHY},
    }
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def install() -> None:
    """Add the two operations that MiniStack lacks."""
    original = ecr.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action in ("DescribeImageScanFindings", "StartImageScan"):
            return _answer(json.loads(body or b"{}"))
        return await original(method, path, headers, body, query)

    ecr.handle_request = handle
