"""The JSON objects of the API, with the members that GitHub documents."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from localcloud.github.api.call import Call
from localcloud.github.hub import Hub
from localcloud.github.repositories import Commit, Repository, Signature
from localcloud.github.store import Row

Shape = dict[str, Any]


def identity(*parts: object) -> int:
    """Returns a constant number for an object without an ID of its own."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).digest()[:4]) + 1


def node(kind: str, number: object) -> str:
    """Returns an ID in the form of GitHub's GraphQL API."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def user(hub: Hub, login: str, root: str) -> Shape:
    """Returns a user or an organisation."""
    known = (repository.setting("owner-id") for repository in hub.repositories.all() if repository.owner == login)
    number = next((int(value) for value in known if value.isdigit()), identity("user", login))
    return {
        "login": login,
        "id": number,
        "node_id": node("User", number),
        "url": f"{root}/api/v3/users/{login}",
        "html_url": f"{hub.url}/{login}",
        "type": "User",
        "site_admin": False,
    }


def _user(call: Call, login: str) -> Shape:
    return user(call.hub, login, call.request.root)


def repository_id(repository: Repository) -> int:
    """Returns the ID from the manifest, or a generated one."""
    known = repository.setting("repository-id")
    return int(known) if known.isdigit() else identity("repository", repository.name)


def repository(hub: Hub, found: Repository, root: str) -> Shape:
    """Returns a repository."""
    number = repository_id(found)
    page = hub.page_url(found.name)
    return {
        "id": number,
        "node_id": node("Repository", number),
        "name": found.name.partition("/")[2],
        "full_name": found.name,
        "private": True,
        "visibility": "private",
        "owner": user(hub, found.owner, root),
        "html_url": page,
        "clone_url": f"{page}.git",
        "git_url": f"{page}.git",
        "url": f"{root}/api/v3/repos/{found.name}",
        "description": None,
        "fork": False,
        "archived": False,
        "has_issues": True,
        "default_branch": found.default_branch,
        "permissions": {"admin": False, "push": True, "pull": True},
    }


def issue(call: Call, row: Row, comments: int) -> Shape:
    """Returns an issue; every pull request is one too."""
    path = f"/issues/{row['number']}"
    pull = row["head"] is not None
    found: Shape = {
        "id": row["id"],
        "node_id": node("Issue", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "body": row["body"],
        "state": row["state"],
        "state_reason": row["reason"],
        "user": _user(call, row["author"]),
        "labels": [label(call, name) for name in json.loads(row["labels"])],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "comments": comments,
        "created_at": row["created"],
        "updated_at": row["updated"],
        "closed_at": row["closed"],
        "author_association": "COLLABORATOR",
        "url": call.api_url(path),
        "comments_url": call.api_url(f"{path}/comments"),
        "repository_url": call.api_url(),
        "html_url": call.page_url(f"/pull/{row['number']}" if pull else path),
    }
    if pull:
        pull_path = f"/pulls/{row['number']}"
        addresses = {"url": call.api_url(pull_path), "html_url": call.page_url(f"/pull/{row['number']}")}
        found["pull_request"] = {**addresses, "merged_at": row["merged"]}
        found["draft"] = bool(row["draft"])
    return found


def label(call: Call, name: str) -> Shape:
    """Returns a label; any name can be used as one."""
    number = identity("label", call.name, name)
    colour = "d73a4a" if name == "bug" else f"{number % 0xFFFFFF:06x}"
    details = {"name": name, "color": colour, "default": name == "bug", "description": None}
    return {"id": number, "node_id": node("Label", number), "url": call.api_url(f"/labels/{name}"), **details}


def comment(call: Call, row: Row, issue_number: int) -> Shape:
    """Returns a comment on an issue."""
    return {
        "id": row["id"],
        "node_id": node("IssueComment", row["id"]),
        "body": row["body"],
        "user": _user(call, row["author"]),
        "created_at": row["created"],
        "updated_at": row["updated"],
        "author_association": "COLLABORATOR",
        "url": call.api_url(f"/issues/comments/{row['id']}"),
        "issue_url": call.api_url(f"/issues/{issue_number}"),
        "html_url": call.page_url(f"/issues/{issue_number}#comment-{row['id']}"),
    }


def commit_comment(call: Call, row: Row) -> Shape:
    """Returns a comment on a commit as a whole; the local GitHub has none on a line."""
    return {
        "id": row["id"],
        "node_id": node("CommitComment", row["id"]),
        "commit_id": row["sha"],
        "path": None,
        "position": None,
        "line": None,
        "body": row["body"],
        "user": _user(call, row["author"]),
        "created_at": row["created"],
        "updated_at": row["created"],
        "author_association": "COLLABORATOR",
        "url": call.api_url(f"/comments/{row['id']}"),
        "html_url": call.page_url(f"/commit/{row['sha']}#commitcomment-{row['id']}"),
    }


def status(call: Call, row: Row) -> Shape:
    """Returns the status of a commit."""
    return {
        "id": row["id"],
        "node_id": node("StatusContext", row["id"]),
        "state": row["state"],
        "context": row["context"],
        "description": row["description"],
        "target_url": row["target"],
        "creator": _user(call, row["author"]),
        "created_at": row["created"],
        "updated_at": row["created"],
        "url": call.api_url(f"/statuses/{row['sha']}"),
        "avatar_url": None,
    }


def signature(person: Signature) -> Shape:
    """Returns the author or committer of a commit."""
    return {"name": person.name, "email": person.email, "date": person.date}


def git_commit(call: Call, found: Commit) -> Shape:
    """Returns a commit in the form of the Git database API."""
    return {
        "sha": found.sha,
        "node_id": node("Commit", found.sha),
        "url": call.api_url(f"/git/commits/{found.sha}"),
        "html_url": call.page_url(f"/commit/{found.sha}"),
        "author": signature(found.author),
        "committer": signature(found.committer),
        "message": found.message,
        "tree": {"sha": found.tree, "url": call.api_url(f"/git/trees/{found.tree}")},
        "parents": [_parent(call, sha) for sha in found.parents],
        "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None},
    }


def _parent(call: Call, sha: str) -> Shape:
    return {"sha": sha, "url": call.api_url(f"/commits/{sha}"), "html_url": call.page_url(f"/commit/{sha}")}


def commit(call: Call, found: Commit) -> Shape:
    """Returns a commit in the form of the commits API."""
    inner = git_commit(call, found)
    outer = ("sha", "node_id", "html_url", "parents")
    return {
        **{name: inner[name] for name in outer},
        "url": call.api_url(f"/commits/{found.sha}"),
        "commit": {name: value for name, value in inner.items() if name not in outer},
        "author": None,
        "committer": None,
    }


def release(call: Call, row: Row) -> Shape:
    """Returns a release."""
    path = f"/releases/{row['id']}"
    return {
        "id": row["id"],
        "node_id": node("Release", row["id"]),
        "tag_name": row["tag"],
        "target_commitish": row["target"],
        "name": row["name"],
        "body": row["body"],
        "draft": bool(row["draft"]),
        "prerelease": bool(row["prerelease"]),
        "created_at": row["created"],
        "published_at": row["published"],
        "author": _user(call, row["author"]),
        "assets": [],
        "url": call.api_url(path),
        "assets_url": call.api_url(f"{path}/assets"),
        "html_url": call.page_url(f"/releases/tag/{row['tag']}"),
        "tarball_url": None,
        "zipball_url": None,
    }


def pull(call: Call, row: Row, **more: Any) -> Shape:
    """Returns a pull request."""
    path = f"/pulls/{row['number']}"
    owner = call.repository.owner
    whole = repository(call.hub, call.repository, call.request.root)

    def side(branch: str, sha: str) -> Shape:
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "repo": whole,
            "user": _user(call, owner),
        }

    return {
        "id": row["id"],
        "node_id": node("PullRequest", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "body": row["body"],
        "state": row["state"],
        "draft": bool(row["draft"]),
        "locked": False,
        "user": _user(call, row["author"]),
        "labels": [label(call, name) for name in json.loads(row["labels"])],
        "head": side(row["head"], row["head_sha"]),
        "base": side(row["base"], row["base_sha"]),
        "created_at": row["created"],
        "updated_at": row["updated"],
        "closed_at": row["closed"],
        "merged_at": row["merged"],
        "merge_commit_sha": row["merge_sha"],
        "url": call.api_url(path),
        "html_url": call.page_url(f"/pull/{row['number']}"),
        "issue_url": call.api_url(f"/issues/{row['number']}"),
        "comments_url": call.api_url(f"/issues/{row['number']}/comments"),
        "statuses_url": call.api_url(f"/statuses/{row['head_sha']}"),
        **more,
    }
