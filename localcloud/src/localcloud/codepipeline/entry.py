"""Two operations that AWS does not have, for a git server in another process: LocalPush and LocalPullRequest.

IAM authorizes them as `codepipeline:LocalPush` and `codepipeline:LocalPullRequest`. Usually no policy contains these
actions, so only the account's root and principals with `codepipeline:*` may call them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.codepipeline import triggers
from localcloud.codepipeline.errors import ActionError
from localcloud.json_services import ServiceError

Request = Mapping[str, Any]
_STRINGS = ("repository", "event", "number", "title", "source", "destination", "commit", "ref", "before")


def _strings(request: Request) -> dict[str, Any]:
    return {name: str(value) for name, value in request.items() if name in _STRINGS}


def _start(start: Callable[..., list[str]], request: Request) -> dict[str, Any]:
    try:
        return {"pipelineExecutionIds": start(**_strings(request), files=request.get("files"))}
    except (ActionError, TypeError) as error:
        raise ServiceError("ValidationException", str(error)) from error


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "LocalPush": lambda request: _start(triggers.push, request),
    "LocalPullRequest": lambda request: _start(triggers.pull_request, request),
}
