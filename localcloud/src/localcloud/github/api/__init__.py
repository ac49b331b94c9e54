"""GitHub's REST API, as far as a delivery's functions and their users call it: docs.github.com/rest."""

from __future__ import annotations

import itertools
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus

from localcloud.github import tokens
from localcloud.github.api import account, commits, deployments, issues, pulls, releases, statuses
from localcloud.github.api.call import ApiError, Call, not_found, parsed
from localcloud.github.hub import Hub
from localcloud.github.repositories import Repository
from localcloud.github.web import Reply, Request, as_json

DOCUMENTATION = "https://docs.github.com/rest"
_LIMIT = 5000
_HOUR = 3600

logger = logging.getLogger("localcloud")

Route = tuple[str, str, Callable[..., Reply]]

_OF_REPOSITORY: tuple[Route, ...] = (
    *account.OF_REPOSITORY,
    *issues.ROUTES,
    *statuses.ROUTES,
    *commits.ROUTES,
    *releases.ROUTES,
    *pulls.ROUTES,
    *deployments.ROUTES,
)
_calls = itertools.count(1)


def answer(hub: Hub, request: Request, path: str) -> Reply:
    """The answer to any request, a mistaken one too."""
    try:
        reply = _answer(hub, request, path.rstrip("/") or "/")
    except ApiError as error:
        reply = _refusal(error.status, error.message, error.errors)
    except Exception:
        logger.exception("GitHub: %s %s", request.method, path)
        reply = _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Server Error", [])
    return Reply(reply.status, reply.body, {**_common(), **reply.headers})


def _refusal(status: int, message: str, errors: list[Mapping[str, str]]) -> Reply:
    more = {"errors": errors} if errors else {}
    told = {"message": message, **more, "documentation_url": DOCUMENTATION, "status": str(int(status))}
    return as_json(status, told)


def _common() -> dict[str, str]:
    """What every answer carries: the limits are told, never enforced."""
    used = min(next(_calls), _LIMIT - 1)
    return {
        "X-GitHub-Media-Type": "github.v3; format=json",
        "X-GitHub-Request-Id": uuid.uuid4().hex[:20].upper(),
        "X-RateLimit-Limit": str(_LIMIT),
        "X-RateLimit-Remaining": str(_LIMIT - used),
        "X-RateLimit-Used": str(used),
        "X-RateLimit-Reset": str((int(time.time()) // _HOUR + 1) * _HOUR),
        "X-RateLimit-Resource": "core",
    }


def _answer(hub: Hub, request: Request, path: str) -> Reply:
    if "authorization" not in request.headers:
        raise ApiError(HTTPStatus.UNAUTHORIZED, "Requires authentication")
    token = tokens.presented(request.headers)
    installed = re.fullmatch(r"/app/installations/(\w+)/access_tokens", path)
    if installed and request.method == "POST":
        return account.installation_token(hub, request, token, installed[1])
    about = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", path, re.DOTALL)
    repository = hub.repositories.find(about[1]) if about else None
    if about is not None and repository is not None and tokens.opens(hub, repository, token):
        return _of_repository(hub, request, repository, about[2] or "")
    if not any(tokens.opens(hub, one, token) for one in hub.repositories.all()):
        raise ApiError(HTTPStatus.UNAUTHORIZED, "Bad credentials")
    for method, pattern, serve in account.ROUTES:
        match = re.fullmatch(pattern, path)
        if match and _same(method, request.method):
            return serve(hub, request, *match.groups())
    raise not_found()  # also what the token does not reach, as GitHub has it


def _of_repository(hub: Hub, request: Request, repository: Repository, path: str) -> Reply:
    for method, pattern, serve in _OF_REPOSITORY:
        match = re.fullmatch(pattern, path, re.DOTALL)
        if match and _same(method, request.method):
            return serve(Call(hub, request, repository, parsed(request)), *match.groups())
    raise not_found()


def _same(method: str, asked: str) -> bool:
    return asked == method or (method == "GET" and asked == "HEAD")
