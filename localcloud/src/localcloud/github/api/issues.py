"""Issues and their comments: docs.github.com/rest/issues."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from localcloud.github import issues
from localcloud.github.api import shapes
from localcloud.github.api.call import Call, invalid, not_found, number
from localcloud.github.hub import ACTOR
from localcloud.github.store import Row
from localcloud.github.web import Reply, as_json

_TITLE = 256
_REASONS = ("completed", "not_planned", "reopened", "duplicate")


def _found(call: Call, text: str) -> Row:
    row = issues.find(call.hub.store, call.name, number(text))
    if row is None:
        raise not_found()
    return row


def _shape(call: Call, row: Row) -> shapes.Shape:
    return shapes.issue(call, row, len(issues.comments(call.hub.store, row)))


def _list(call: Call) -> Reply:
    state = call.query_choice("Issue", "state", ("open", "closed", "all"))
    sort = call.query_choice("Issue", "sort", ("created", "updated", "comments"))
    ascending = call.query_choice("Issue", "direction", ("desc", "asc")) == "asc"
    labels = {label.strip() for label in call.request.query.get("labels", "").split(",") if label.strip()}
    creator, since = call.request.query.get("creator"), call.request.query.get("since", "")
    found = [
        row
        for row in issues.find_all(call.hub.store, call.name, state=state)
        if labels <= set(json.loads(row["labels"])) and creator in {None, row["author"]} and row["updated"] >= since
    ]
    shown = [_shape(call, row) for row in found]
    key = {"created": "created_at", "updated": "updated_at", "comments": "comments"}[sort]
    shown.sort(key=lambda issue: (issue[key], issue["number"]), reverse=not ascending)
    return call.page(shown)


def _create(call: Call) -> Reply:
    title = call.required("title")
    _check(title)
    row = issues.create(
        call.hub.store, call.name, title=title, body=call.text("body"), labels=call.words("labels"), author=ACTOR
    )
    return as_json(HTTPStatus.CREATED, _shape(call, row))


def _check(title: str) -> None:
    if not title.strip():
        raise invalid("Issue", "title", "missing_field")
    if len(title) > _TITLE:
        raise invalid("Issue", "title", "custom", f"title is too long (maximum is {_TITLE} characters)")


def _get(call: Call, text: str) -> Reply:
    return as_json(HTTPStatus.OK, _shape(call, _found(call, text)))


def _change(call: Call, text: str) -> Reply:
    row = _found(call, text)
    changes: dict[str, Any] = {}
    title = call.text("title")
    if title is not None:
        _check(title)
        changes["title"] = title
    if "body" in call.body:
        changes["body"] = call.text("body")
    if "labels" in call.body:
        changes["labels"] = call.words("labels")
    state = call.choice("Issue", "state", ("open", "closed"))
    reason = call.choice("Issue", "state_reason", _REASONS)
    if state is not None:
        changes["state"] = state
        if reason is not None:
            changes["reason"] = reason
    issues.change(call.hub.store, row, **changes)
    return _get(call, text)


def _comments(call: Call, text: str) -> Reply:
    row = _found(call, text)
    found = issues.comments(call.hub.store, row)
    return call.page([shapes.comment(call, comment, row["number"]) for comment in found])


def _comment(call: Call, text: str) -> Reply:
    row = _found(call, text)
    body = call.required("body")
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    made = issues.comment(call.hub.store, row, body, ACTOR)
    return as_json(HTTPStatus.CREATED, shapes.comment(call, made, row["number"]))


ROUTES = (
    ("GET", r"/issues", _list),
    ("POST", r"/issues", _create),
    ("GET", r"/issues/(\d+)", _get),
    ("PATCH", r"/issues/(\d+)", _change),
    ("GET", r"/issues/(\d+)/comments", _comments),
    ("POST", r"/issues/(\d+)/comments", _comment),
)
