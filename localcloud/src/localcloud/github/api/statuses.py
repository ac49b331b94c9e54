"""Statuses of commits: docs.github.com/rest/commits/statuses."""

from __future__ import annotations

from http import HTTPStatus

from localcloud.github import issues
from localcloud.github.api import shapes
from localcloud.github.api.call import ApiError, Call, invalid, not_found
from localcloud.github.hub import ACTOR
from localcloud.github.store import now
from localcloud.github.web import Reply, as_json

_STATES = ("error", "failure", "pending", "success")
_DESCRIPTION = 140


def _create(call: Call, sha: str) -> Reply:
    if call.repository.resolve(sha) != sha:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"No commit found for SHA: {sha}")
    call.required("state")
    state = call.choice("Status", "state", _STATES)
    target, description = call.text("target_url"), call.text("description")
    if target and not target.startswith(("http://", "https://")):
        raise invalid("Status", "target_url", "custom", "target_url must use http(s) scheme")
    if description is not None and len(description) > _DESCRIPTION:
        message = f"description is too long (maximum is {_DESCRIPTION} characters)"
        raise invalid("Status", "description", "custom", message)
    row = {
        "repository": call.name,
        "sha": sha,
        "state": state,
        "context": call.text("context") or "default",
        "description": description,
        "target": target,
        "author": ACTOR,
        "created": now(),
    }
    made = call.hub.store.insert("statuses", **row)
    return as_json(HTTPStatus.CREATED, shapes.status(call, {"id": made, **row}))


def _sha(call: Call, revision: str) -> str:
    sha = call.repository.resolve(revision)
    if sha is None:
        raise not_found()
    return sha


def _list(call: Call, revision: str) -> Reply:
    found = issues.statuses(call.hub.store, call.name, _sha(call, revision))
    return call.page([shapes.status(call, row) for row in found])


def _combined(call: Call, revision: str) -> Reply:
    sha = _sha(call, revision)
    found = issues.latest(call.hub.store, call.name, sha)
    content = {
        "state": issues.combined(found),
        "statuses": [shapes.status(call, row) for row in found],
        "sha": sha,
        "total_count": len(found),
        "repository": shapes.repository(call.hub, call.repository, call.request.root),
        "commit_url": call.api_url(f"/commits/{sha}"),
        "url": call.api_url(f"/commits/{sha}/status"),
    }
    return as_json(HTTPStatus.OK, content)


ROUTES = (
    ("POST", r"/statuses/([^/]+)", _create),
    ("GET", r"/statuses/([^/]+)", _list),
    ("GET", r"/commits/(.+)/statuses", _list),
    ("GET", r"/commits/(.+)/status", _combined),
)
