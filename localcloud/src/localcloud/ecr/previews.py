"""ECR's previews of a lifecycle policy: the local cloud expires nothing, and shows what ECR would expire."""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import ecr

from localcloud.ecr.lifecycle import Image, PolicyError, expired

SYMBOLS: tuple[str, ...] = (
    "ministack.services.ecr:_images",
    "ministack.services.ecr:_lifecycle_policies",
    "ministack.services.ecr:_registry_id",
    "ministack.services.ecr:_repositories",
    "ministack.services.ecr:error_response_json",
    "ministack.services.ecr:handle_request",
    "ministack.services.ecr:reset",
)
_ACTIONS = ("StartLifecyclePolicyPreview", "GetLifecyclePolicyPreview")
_previewed: dict[tuple[str, str], str] = {}
"""The policy of the newest preview, by registry and repository."""


def _images(name: str) -> list[Image]:
    return [
        Image(found["imageDigest"], float(found["imagePushedAt"]), frozenset(found.get("imageTags") or []))
        for found in ecr._images[name]
    ]


def _results(name: str, policy: str) -> list[dict[str, Any]]:
    found = expired(policy, _images(name), time.time())
    return [
        {
            "imageTags": sorted(image.tags),
            "imageDigest": image.digest,
            "imagePushedAt": image.pushed,
            "action": {"type": "EXPIRE"},
            "appliedRulePriority": priority,
        }
        for image, priority in found.items()
    ]


def _answer(action: str, data: dict[str, Any]) -> Any:
    name = data.get("repositoryName", "")
    if name not in ecr._repositories:
        return ecr.error_response_json("RepositoryNotFoundException", f"The repository '{name}' does not exist", 400)
    key = (ecr._registry_id(), name)
    if action == "StartLifecyclePolicyPreview":
        policy = data.get("lifecyclePolicyText") or ecr._lifecycle_policies.get(name)
        if policy is None:
            message = f"Lifecycle policy does not exist for '{name}'"
            return ecr.error_response_json("LifecyclePolicyNotFoundException", message, 400)
        _previewed[key] = policy
    elif key not in _previewed:
        message = f"There is no lifecycle policy preview for '{name}'"
        return ecr.error_response_json("LifecyclePolicyPreviewNotFoundException", message, 400)
    body: dict[str, Any] = {"registryId": key[0], "repositoryName": name, "lifecyclePolicyText": _previewed[key]}
    try:
        results = _results(name, _previewed[key])
    except (PolicyError, KeyError, ValueError) as error:
        return ecr.error_response_json("InvalidParameterException", f"Invalid lifecycle policy: {error}", 400)
    if action == "StartLifecyclePolicyPreview":
        body["status"] = "IN_PROGRESS"
    else:
        body |= {"status": "COMPLETE", "previewResults": results, "summary": {"expiringImageTotalCount": len(results)}}
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def install() -> None:
    """Add the two operations that MiniStack lacks."""
    original, original_reset = ecr.handle_request, ecr.reset

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action in _ACTIONS:
            return _answer(action, json.loads(body or b"{}"))
        return await original(method, path, headers, body, query)

    def reset() -> None:
        original_reset()
        _previewed.clear()

    ecr.handle_request = handle
    ecr.reset = reset
