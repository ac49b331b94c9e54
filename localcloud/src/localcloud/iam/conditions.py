"""Fills service-specific condition keys that MiniStack leaves out: `ecs:cluster`."""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_actions:request_tag_context",)


def cluster(body: bytes) -> str | None:
    """Returns the ARN of the cluster that an ECS request names, or of the default cluster.

    docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return None
    if not isinstance(request, dict):
        return None
    name = str(request.get("cluster") or "default").rsplit("/", 1)[-1]
    return f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{name}"


def install() -> None:
    """Add the keys to the ones MiniStack computes for request tags."""
    original = iam_actions.request_tag_context

    def keys(service: str, action: str, body: bytes, *rest: Any) -> dict[str, Any]:
        found: dict[str, Any] = original(service, action, body, *rest)
        named = cluster(body) if service == "ecs" else None
        return {**found, "ecs:cluster": named} if named else found

    iam_actions.request_tag_context = keys
