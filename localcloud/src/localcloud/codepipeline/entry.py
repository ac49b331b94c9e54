"""The local git server's way in, when it is another process: two operations that AWS does not have.

Targets `CodePipeline_20150709.LocalPush` and `.LocalPullRequest`. IAM decides on `codepipeline:LocalPush` and
`codepipeline:LocalPullRequest`, which no policy names: the account's root may, and who may `codepipeline:*`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.codepipeline import triggers
from localcloud.codepipeline.errors import ActionError, ServiceError

Request = Mapping[str, Any]
_TEXTS = ("repository", "event", "number", "title", "source", "destination", "commit", "ref", "before")


def _texts(request: Request) -> dict[str, Any]:
    return {name: str(value) for name, value in request.items() if name in _TEXTS}


def _started(start: Callable[..., list[str]], request: Request) -> dict[str, Any]:
    try:
        return {"pipelineExecutionIds": start(**_texts(request), files=request.get("files"))}
    except (ActionError, TypeError) as error:
        raise ServiceError("ValidationException", str(error)) from error


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "LocalPush": lambda request: _started(triggers.push, request),
    "LocalPullRequest": lambda request: _started(triggers.pull_request, request),
}
