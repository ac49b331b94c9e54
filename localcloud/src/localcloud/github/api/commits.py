"""Commits, their comments, branches, tags and references: docs.github.com/rest/git and /rest/commits."""

from __future__ import annotations

import base64
from http import HTTPStatus
from pathlib import PurePosixPath

from localcloud.github import issues
from localcloud.github.api import shapes
from localcloud.github.api.call import ApiError, Call, invalid, not_found
from localcloud.github.hub import ACTOR
from localcloud.github.repositories import SHA, GitError
from localcloud.github.web import Reply, as_json

_MOST = 1000
_LONGEST_COMMENT = 65_536
_COMPARED = 250  # GitHub lists at most these in a comparison without pages


def _list(call: Call) -> Reply:
    revision = call.request.query.get("sha") or call.repository.default_branch
    sha = call.repository.resolve(revision)
    if sha is None:
        if not call.repository.branches():
            raise ApiError(HTTPStatus.CONFLICT, "Git Repository is empty.")
        raise not_found()
    path = call.request.query.get("path", "").replace("\0", "")
    found = call.repository.commits(sha, limit=_MOST, path=path)
    return call.page([shapes.commit(call, commit) for commit in found])


def _commit(call: Call, revision: str) -> Reply:
    found = call.repository.commit(revision)
    if found is None:
        message = f"No commit found for SHA: {revision}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message) if SHA.fullmatch(revision) else not_found()
    return as_json(HTTPStatus.OK, shapes.commit(call, found))


def _comments(call: Call, revision: str) -> Reply:
    sha = call.repository.resolve(revision)
    if sha is None:
        raise not_found()
    found = issues.comments_on_commit(call.hub.store, call.name, sha)
    return call.page([shapes.commit_comment(call, row) for row in found])


def _comment(call: Call, sha: str) -> Reply:
    if call.repository.resolve(sha) != sha:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"No commit found for SHA: {sha}")
    body = call.required("body")
    if not body.strip():
        raise invalid("CommitComment", "body", "missing_field")
    if len(body) > _LONGEST_COMMENT:
        message = f"body is too long (maximum is {_LONGEST_COMMENT} characters)"
        raise invalid("CommitComment", "body", "custom", message)
    made = issues.comment_on_commit(call.hub.store, call.name, sha, body, ACTOR)
    return as_json(HTTPStatus.CREATED, shapes.commit_comment(call, made))


def _pulls(call: Call, revision: str) -> Reply:
    """Returns the pull requests that a commit came with: merged by it, or with it as the newest commit."""
    found = call.repository.commit(revision)
    if found is None:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"No commit found for SHA: {revision}")
    rows = issues.find_all(call.hub.store, call.name, pulls=True)
    return call.page([shapes.pull(call, row) for row in rows if found.sha in (row["merge_sha"], row["head_sha"])])


def _compare(call: Call, base: str, head: str) -> Reply:
    """Returns the commits of two revisions since their common ancestor; without the list of files."""
    first, second = call.repository.commit(base), call.repository.commit(head)
    if first is None or second is None:
        raise not_found()
    common = call.repository.merge_base(first.sha, second.sha)
    if common is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"No common ancestor between {base} and {head}.")
    ahead = call.repository.commits(second.sha, f"^{common}", limit=_COMPARED, order="topo")
    behind = len(call.repository.commits(first.sha, f"^{common}", limit=_COMPARED))
    statuses = {(False, False): "identical", (True, False): "ahead", (False, True): "behind", (True, True): "diverged"}
    ancestor = call.repository.commit(common)
    content = {
        "url": call.api_url(f"/compare/{base}...{head}"),
        "html_url": call.page_url(f"/compare/{base}...{head}"),
        "base_commit": shapes.commit(call, first),
        "merge_base_commit": shapes.commit(call, ancestor) if ancestor else None,
        "status": statuses[bool(ahead), bool(behind)],
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": [shapes.commit(call, commit) for commit in reversed(ahead)],
    }
    return as_json(HTTPStatus.OK, content)


def _content(call: Call, path: str) -> Reply:
    """Returns a file in base64, as GitHub does for files of at most 1 MB; folders are not served."""
    revision = call.request.query.get("ref") or call.repository.default_branch
    commit = call.repository.resolve(revision)
    if commit is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"No commit found for the ref {revision}")
    try:
        # A path of the tree, not a revision: git itself refuses `..` and reads no other file.
        listed = call.repository.text("ls-tree", commit, "--", f":(top,literal){path}").split()
        content = call.repository.raw("cat-file", "blob", listed[2]) if listed[1:2] == ["blob"] else None
    except (GitError, ValueError):
        content = None
    if content is None:
        raise not_found()
    shown = {
        "type": "file",
        "encoding": "base64",
        "size": len(content),
        "name": PurePosixPath(path).name,
        "path": path,
        "content": base64.encodebytes(content).decode(),
        "sha": listed[2],
        "url": call.api_url(f"/contents/{path}?ref={revision}"),
    }
    return as_json(HTTPStatus.OK, shown)


def _git_commit(call: Call, sha: str) -> Reply:
    found = call.repository.commit(sha) if SHA.fullmatch(sha) else None
    if found is None:
        raise not_found()
    return as_json(HTTPStatus.OK, shapes.git_commit(call, found))


def _reference(call: Call, name: str) -> Reply:
    found = call.repository.reference(f"refs/{name}")
    if found is None:
        raise not_found()
    return as_json(HTTPStatus.OK, _referenced(call, f"refs/{name}", *found))


def _references(call: Call, start: str) -> Reply:
    found = call.repository.references("refs/heads", "refs/tags")
    shown = [
        _referenced(call, name, *target) for name, target in sorted(found.items()) if name.startswith(f"refs/{start}")
    ]
    return call.page(shown)


def _referenced(call: Call, name: str, kind: str, sha: str) -> shapes.Shape:
    return {
        "ref": name,
        "node_id": shapes.node("Ref", name),
        "url": call.api_url(f"/git/{name}"),
        "object": {"type": kind, "sha": sha, "url": call.api_url(f"/git/{kind}s/{sha}")},
    }


def _tag(call: Call, sha: str) -> Reply:
    """Returns an annotated tag by the ID of its object."""
    try:
        kind = call.repository.text("cat-file", "-t", sha) if SHA.fullmatch(sha) else ""
    except GitError:
        kind = ""
    if kind != "tag":
        raise not_found()
    head, _, message = call.repository.text("cat-file", "tag", sha).partition("\n\n")
    fields = dict(line.split(" ", 1) for line in head.splitlines() if " " in line)
    target = {"type": fields["type"], "sha": fields["object"]}
    content = {
        "sha": sha,
        "node_id": shapes.node("Tag", sha),
        "tag": fields["tag"],
        "message": message,
        "object": {**target, "url": call.api_url(f"/git/{target['type']}s/{target['sha']}")},
        "url": call.api_url(f"/git/tags/{sha}"),
    }
    return as_json(HTTPStatus.OK, content)


def _branches(call: Call) -> Reply:
    return call.page([_branched(call, name, sha) for name, sha in sorted(call.repository.branches().items())])


def _branch(call: Call, name: str) -> Reply:
    sha = call.repository.branches().get(name)
    if sha is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "Branch not found")
    return as_json(HTTPStatus.OK, _branched(call, name, sha))


def _branched(call: Call, name: str, sha: str) -> shapes.Shape:
    return {"name": name, "commit": {"sha": sha, "url": call.api_url(f"/commits/{sha}")}, "protected": False}


def _tags(call: Call) -> Reply:
    names = [name.removeprefix("refs/tags/") for name in call.repository.references("refs/tags")]
    shown = [(name, call.repository.resolve(f"refs/tags/{name}")) for name in names]
    return call.page([_branched(call, name, sha) for name, sha in shown if sha])


ROUTES = (
    ("GET", r"/commits", _list),
    ("GET", r"/commits/([^/]+)/comments", _comments),
    ("POST", r"/commits/([^/]+)/comments", _comment),
    ("GET", r"/commits/([^/]+)/pulls", _pulls),
    ("GET", r"/commits/(.+)", _commit),
    ("GET", r"/compare/(.+?)\.\.\.(.+)", _compare),
    ("GET", r"/contents/(.+)", _content),
    ("GET", r"/git/commits/([^/]+)", _git_commit),
    ("GET", r"/git/refs?/((?:heads|tags)/.+)", _reference),
    ("GET", r"/git/matching-refs/((?:heads|tags)(?:/.*)?)", _references),
    ("GET", r"/git/tags/([^/]+)", _tag),
    ("GET", r"/branches", _branches),
    ("GET", r"/branches/(.+)", _branch),
    ("GET", r"/tags", _tags),
)
