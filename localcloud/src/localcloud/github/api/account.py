"""Users, the repository, rate limits, and tokens of a GitHub App."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from localcloud.github import tokens
from localcloud.github.api import shapes
from localcloud.github.api.call import ApiError, Call, not_found, parsed
from localcloud.github.hub import ACTOR, Hub
from localcloud.github.web import Reply, Request, as_json


def installation_token(hub: Hub, request: Request, token: str, installation: str) -> Reply:
    """Returns a token for an hour if the GitHub App signed the request's token."""
    body = parsed(request)
    named = body.get("repositories") or []
    names = [str(name) for name in named] if isinstance(named, list) else []
    made = tokens.create_for_installation(hub, installation, token, names)
    if made is None:
        raise ApiError(HTTPStatus.UNAUTHORIZED, "A JSON web token could not be decoded")
    value, until, repository = made
    content = {
        "token": value,
        "expires_at": datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": {"contents": "write", "issues": "write", "statuses": "write", "metadata": "read"},
        "repository_selection": "selected",
        "repositories": [shapes.repository(hub, repository, request.root)],
    }
    return as_json(HTTPStatus.CREATED, content)


def _me(hub: Hub, request: Request) -> Reply:
    return as_json(HTTPStatus.OK, shapes.user(hub, ACTOR, request.root))


def _user(hub: Hub, request: Request, login: str) -> Reply:
    if login not in {ACTOR, *(repository.owner for repository in hub.repositories.all())}:
        raise not_found()
    return as_json(HTTPStatus.OK, shapes.user(hub, login, request.root))


def _limits(_hub: Hub, _request: Request) -> Reply:
    core = {"limit": 5000, "remaining": 4999, "used": 1, "reset": int(datetime.now(UTC).timestamp()) + 3600}
    return as_json(HTTPStatus.OK, {"resources": {"core": core}, "rate": core})


def _repository(call: Call) -> Reply:
    return as_json(HTTPStatus.OK, shapes.repository(call.hub, call.repository, call.request.root))


ROUTES = (
    ("GET", r"/user", _me),
    ("GET", r"/users/([^/]+)", _user),
    ("GET", r"/rate_limit", _limits),
)
REPOSITORY_ROUTES = (("GET", r"", _repository),)
