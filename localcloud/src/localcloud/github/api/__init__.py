"""GitHub's REST API (docs.github.com/rest): the operations that continuous delivery and its users need."""

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

_REPOSITORY_ROUTES: tuple[Route, ...] = (
    *account.REPOSITORY_ROUTES,
    *issues.ROUTES,
    *statuses.ROUTES,
    *commits.ROUTES,
    *releases.ROUTES,
    *pulls.ROUTES,
    *deployments.ROUTES,
)
_calls = itertools.count(1)


def answer(hub: Hub, request: Request, path: str) -> Reply:
    """Returns the response to a request; errors become GitHub's error responses."""
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
    content = {"message": message, **more, "documentation_url": DOCUMENTATION, "status": str(int(status))}
    return as_json(status, content)


def _common() -> dict[str, str]:
    """Returns the headers of every response; the rate limits in them are not enforced."""
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
    token = tokens.from_headers(request.headers)
    installed = re.fullmatch(r"/app/installations/(\w+)/access_tokens", path)
    if installed and request.method == "POST":
        return account.installation_token(hub, request, token, installed[1])
    address = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", path, re.DOTALL)
    repository = hub.repositories.find(address[1]) if address else None
    if address is not None and repository is not None and tokens.grants_access(hub, repository, token):
        return _repository_answer(hub, request, repository, address[2] or "")
    if not any(tokens.grants_access(hub, known, token) for known in hub.repositories.all()):
        raise ApiError(HTTPStatus.UNAUTHORIZED, "Bad credentials")
    for method, pattern, serve in account.ROUTES:
        match = re.fullmatch(pattern, path)
        if match and _same(method, request.method):
            return serve(hub, request, *match.groups())
    raise not_found()  # as on GitHub, also for a repository to which the token gives no access


def _repository_answer(hub: Hub, request: Request, repository: Repository, path: str) -> Reply:
    for method, pattern, serve in _REPOSITORY_ROUTES:
        match = re.fullmatch(pattern, path, re.DOTALL)
        if match and _same(method, request.method):
            return serve(Call(hub, request, repository, parsed(request)), *match.groups())
    raise not_found()


def _same(method: str, requested: str) -> bool:
    return requested == method or (method == "GET" and requested == "HEAD")
