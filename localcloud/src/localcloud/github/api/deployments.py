"""Deployments and their statuses: docs.github.com/rest/deployments."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from localcloud.github.api import shapes
from localcloud.github.api.call import Call, invalid, malformed, not_found, number
from localcloud.github.hub import ACTOR
from localcloud.github.store import Row, now
from localcloud.github.web import Reply, as_json

_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


def _rows(call: Call) -> list[Row]:
    return call.hub.store.rows("SELECT * FROM deployments WHERE repository = ? ORDER BY id DESC", call.name)


def _found(call: Call, text: str) -> Row:
    wanted = number(text)
    for row in _rows(call):
        if row["id"] == wanted:
            return row
    raise not_found()


def _shape(call: Call, row: Row) -> shapes.Shape:
    path = f"/deployments/{row['id']}"
    return {
        "id": row["id"],
        "node_id": shapes.node("Deployment", row["id"]),
        "sha": row["sha"],
        "ref": row["ref"],
        "task": row["task"],
        "environment": row["environment"],
        "original_environment": row["environment"],
        "description": row["description"],
        "payload": json.loads(row["payload"]),
        "creator": shapes.user(call.hub, row["author"], call.request.root),
        "created_at": row["created"],
        "updated_at": row["created"],
        "url": call.api_url(path),
        "statuses_url": call.api_url(f"{path}/statuses"),
        "repository_url": call.api_url(),
    }


def _list(call: Call) -> Reply:
    names = ("sha", "ref", "task", "environment")
    wanted = {name: call.request.query[name] for name in names if call.request.query.get(name)}
    found = [row for row in _rows(call) if all(row[name] == value for name, value in wanted.items())]
    return call.page([_shape(call, row) for row in found])


def _create(call: Call) -> Reply:
    ref = call.required("ref")
    sha = call.repository.resolve(ref)
    if sha is None:
        raise invalid("Deployment", "ref", "invalid", f"No ref found for: {ref[:100]}")
    payload: Any = call.body.get("payload", {})
    if not isinstance(payload, (dict, str)):
        raise malformed("For 'properties/payload', expected an object or a string.")
    row = {
        "repository": call.name,
        "sha": sha,
        "ref": ref,
        "task": call.text("task") or "deploy",
        "environment": call.text("environment") or "production",
        "description": call.text("description"),
        "payload": json.dumps(payload),
        "author": ACTOR,
        "created": now(),
    }
    made = call.hub.store.insert("deployments", **row)
    return as_json(HTTPStatus.CREATED, _shape(call, {"id": made, **row}))


def _get(call: Call, text: str) -> Reply:
    return as_json(HTTPStatus.OK, _shape(call, _found(call, text)))


def _status(call: Call, deployment: Row, row: Row) -> shapes.Shape:
    path = f"/deployments/{deployment['id']}"
    return {
        "id": row["id"],
        "node_id": shapes.node("DeploymentStatus", row["id"]),
        "state": row["state"],
        "description": row["description"] or "",
        "environment": deployment["environment"],
        "environment_url": row["url"] or "",
        "log_url": row["log"] or "",
        "target_url": row["log"] or "",
        "creator": shapes.user(call.hub, row["author"], call.request.root),
        "created_at": row["created"],
        "updated_at": row["created"],
        "url": call.api_url(f"{path}/statuses/{row['id']}"),
        "deployment_url": call.api_url(path),
        "repository_url": call.api_url(),
    }


def _statuses(call: Call, text: str) -> Reply:
    deployment = _found(call, text)
    sql = "SELECT * FROM deployment_statuses WHERE deployment = ? ORDER BY id DESC"
    return call.page([_status(call, deployment, row) for row in call.hub.store.rows(sql, deployment["id"])])


def _add_status(call: Call, text: str) -> Reply:
    deployment = _found(call, text)
    call.required("state")
    row = {
        "deployment": deployment["id"],
        "state": call.choice("DeploymentStatus", "state", _STATES),
        "description": call.text("description"),
        "log": call.text("log_url") or call.text("target_url"),
        "url": call.text("environment_url"),
        "author": ACTOR,
        "created": now(),
    }
    made = call.hub.store.insert("deployment_statuses", **row)
    return as_json(HTTPStatus.CREATED, _status(call, deployment, {"id": made, **row}))


ROUTES = (
    ("GET", r"/deployments", _list),
    ("POST", r"/deployments", _create),
    ("GET", r"/deployments/(\d+)", _get),
    ("GET", r"/deployments/(\d+)/statuses", _statuses),
    ("POST", r"/deployments/(\d+)/statuses", _add_status),
)
