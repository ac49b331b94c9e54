"""Condition keys of a service's own that MiniStack does not fill: `ecs:cluster`."""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_actions:request_tag_context",)


def cluster(body: bytes) -> str | None:
    """The ARN of the cluster that a request of ECS names, or of the default one.

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
    """Add the keys to those of the request's tags."""
    plain = iam_actions.request_tag_context

    def keys(service: str, action: str, body: bytes, *rest: Any) -> dict[str, Any]:
        found: dict[str, Any] = plain(service, action, body, *rest)
        named = cluster(body) if service == "ecs" else None
        return {**found, "ecs:cluster": named} if named else found

    iam_actions.request_tag_context = keys
