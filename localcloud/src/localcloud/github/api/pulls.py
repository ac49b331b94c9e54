"""Pull requests: docs.github.com/rest/pulls."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from localcloud.github import issues, pulls
from localcloud.github.api import shapes
from localcloud.github.api.call import ApiError, Call, invalid, malformed, not_found, number
from localcloud.github.hub import ACTOR
from localcloud.github.store import Row
from localcloud.github.web import Reply, as_json

_MOST = 250


def _found(call: Call, text: str) -> Row:
    row = pulls.find(call.hub, call.repository, number(text))
    if row is None:
        raise not_found()
    return row


def _details(call: Call, row: Row) -> shapes.Shape:
    """Returns a pull request with the members that it does not have in a list."""
    commits = call.repository.commits(row["head_sha"], f"^{row['base_sha']}", limit=_MOST)
    is_open = row["state"] == "open"
    return shapes.pull(
        call,
        row,
        merged=row["merged"] is not None,
        mergeable=pulls.mergeable(call.repository, row) if is_open else None,
        comments=len(issues.comments(call.hub.store, row)),
        commits=len(commits),
    )


def _list(call: Call) -> Reply:
    state = call.query_choice("PullRequest", "state", ("open", "closed", "all"))
    sort = call.query_choice("PullRequest", "sort", ("created", "updated", "popularity", "long-running"))
    ascending = call.query_choice("PullRequest", "direction", ("desc", "asc")) == "asc"
    head, base = call.request.query.get("head"), call.request.query.get("base")
    found = [
        row
        for row in issues.find_all(call.hub.store, call.name, pulls=True, state=state)
        if base in {None, row["base"]} and head in {None, f"{call.repository.owner}:{row['head']}"}
    ]
    found.sort(key=lambda row: (row["updated" if sort == "updated" else "created"], row["number"]))
    return call.page([shapes.pull(call, row) for row in (found if ascending else found[::-1])])


def _checked(call: Call, head: str, base: str) -> tuple[str, str]:
    """Returns the two branches of a new pull request; raises ApiError if they can have none."""
    owner, _, branch = head.rpartition(":")
    tips = call.repository.branches()
    if owner not in {"", call.repository.owner} or branch not in tips:
        raise invalid("PullRequest", "head")
    if base not in tips:
        raise invalid("PullRequest", "base")
    obstacle = pulls.obstacle(call.hub, call.repository, branch, base)
    if obstacle:
        error = {"resource": "PullRequest", "code": "custom", "message": obstacle}
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", [error])
    return branch, base


def _create(call: Call) -> Reply:
    head, base = _checked(call, call.required("head"), call.required("base"))
    title = call.required("title")
    if not title.strip():
        raise invalid("PullRequest", "title", "missing_field")
    row, _ = pulls.create(
        call.hub,
        call.repository,
        title=title,
        body=call.text("body"),
        head=head,
        base=base,
        author=ACTOR,
        draft=call.flag("draft"),
    )
    return as_json(HTTPStatus.CREATED, _details(call, row))


def _get(call: Call, text: str) -> Reply:
    return as_json(HTTPStatus.OK, _details(call, _found(call, text)))


def _change(call: Call, text: str) -> Reply:
    row = _found(call, text)
    changes: dict[str, Any] = {name: call.text(name) for name in ("title", "body") if name in call.body}
    if "title" in changes and not (changes["title"] or "").strip():
        raise invalid("PullRequest", "title", "missing_field")
    state = call.choice("PullRequest", "state", ("open", "closed"))
    if changes:
        issues.change(call.hub.store, row, **changes)
    if state == "closed" and row["state"] == "open":
        pulls.close(call.hub, call.repository, row)
    elif state == "open" and row["state"] == "closed":
        if row["merged"] or call.repository.branches().get(row["head"]) is None:
            raise invalid("PullRequest", "state", "invalid", "state cannot be changed")
        issues.change(call.hub.store, row, state="open")
        pulls.follow_push(call.hub, call.repository, row["head"], call.repository.branches()[row["head"]])
    return _get(call, text)


def _merge(call: Call, text: str) -> Reply:
    row = _found(call, text)
    method = call.text("merge_method") or "merge"
    if method not in {"merge", "squash", "rebase"}:
        raise malformed(f"For 'properties/merge_method', {method[:100]} is not a possible value.")
    if method == "rebase":
        raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "Rebase merges are not allowed on this repository.")
    if row["state"] != "open":
        raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "Pull Request is not mergeable")
    if call.text("sha") not in {None, row["head_sha"]}:
        raise ApiError(HTTPStatus.CONFLICT, "Head branch was modified. Review and try the merge again.")
    title = call.text("commit_title") or pulls.merge_title(call.repository, row, squash=method == "squash")
    message = f"{title}\n\n{call.text('commit_message') or row['title']}"
    try:
        sha, _ = pulls.merge(call.hub, call.repository, row, message=message, squash=method == "squash")
    except pulls.NotMergeableError as error:
        raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "Pull Request is not mergeable") from error
    return as_json(HTTPStatus.OK, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _is_merged(call: Call, text: str) -> Reply:
    if _found(call, text)["merged"] is None:
        raise not_found()
    return Reply(HTTPStatus.NO_CONTENT)


def _commits(call: Call, text: str) -> Reply:
    row = _found(call, text)
    found = call.repository.commits(row["head_sha"], f"^{row['base_sha']}", limit=_MOST)
    return call.page([shapes.commit(call, commit) for commit in reversed(found)])


ROUTES = (
    ("GET", r"/pulls", _list),
    ("POST", r"/pulls", _create),
    ("GET", r"/pulls/(\d+)", _get),
    ("PATCH", r"/pulls/(\d+)", _change),
    ("PUT", r"/pulls/(\d+)/merge", _merge),
    ("GET", r"/pulls/(\d+)/merge", _is_merged),
    ("GET", r"/pulls/(\d+)/commits", _commits),
)
