"""Issues, their comments, and the comments and statuses of commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localcloud.github.store import Row, Store, now

COLUMNS = "issues.*, pulls.head, pulls.base, pulls.head_sha, pulls.base_sha, pulls.draft, pulls.merged, pulls.merge_sha"
_FROM = f"SELECT {COLUMNS} FROM issues LEFT JOIN pulls ON pulls.issue = issues.id"  # noqa: S608 - a constant


def create(
    store: Store, repository: str, *, title: str, body: str | None, author: str, labels: Sequence[str] = ()
) -> Row:
    """Creates an issue."""
    with store.change():
        last = store.row("SELECT max(number) AS number FROM issues WHERE repository = ?", repository)
        number = int((last or {}).get("number") or 0) + 1
        moment = now()
        store.insert(
            "issues",
            repository=repository,
            number=number,
            title=title,
            body=body,
            labels=list(labels),
            author=author,
            created=moment,
            updated=moment,
        )
        made = find(store, repository, number)
    assert made is not None  # noqa: S101 - inserted above
    return made


def find(store: Store, repository: str, number: int) -> Row | None:
    """Returns an issue or a pull request by its number, or None."""
    return store.row(f"{_FROM} WHERE repository = ? AND number = ?", repository, number)


def find_all(store: Store, repository: str, *, pulls: bool | None = None, state: str = "all") -> list[Row]:
    """Returns issues and pull requests, newest first; `pulls` selects only these (True) or only issues (False)."""
    found = store.rows(f"{_FROM} WHERE repository = ? ORDER BY number DESC", repository)
    return [
        row for row in found if (pulls is None or (row["head"] is not None) is pulls) and state in {"all", row["state"]}
    ]


def change(store: Store, issue: Row, **values: Any) -> None:
    """Change an issue; a new state also sets the closing time and the reason."""
    state = values.get("state", issue["state"])
    if state != issue["state"]:
        values["closed"] = now() if state == "closed" else None
        values.setdefault("reason", "completed" if state == "closed" else "reopened")
    store.update("issues", issue["id"], updated=now(), **values)


def comment(store: Store, issue: Row, body: str, author: str) -> Row:
    """Adds a comment."""
    moment = now()
    with store.change():
        made = store.insert("comments", issue=issue["id"], body=body, author=author, created=moment, updated=moment)
        store.update("issues", issue["id"], updated=moment)
    return {"id": made, "issue": issue["id"], "body": body, "author": author, "created": moment, "updated": moment}


def comments(store: Store, issue: Row) -> list[Row]:
    """Returns the comments of an issue, oldest first."""
    return store.rows("SELECT * FROM comments WHERE issue = ? ORDER BY id", issue["id"])


# --- comments on commits ----------------------------------------------------------------------------------------------


def comment_on_commit(store: Store, repository: str, sha: str, body: str, author: str) -> Row:
    """Adds a comment on a commit."""
    row = {"repository": repository, "sha": sha, "body": body, "author": author, "created": now()}
    return {"id": store.insert("commit_comments", **row), **row}


def comments_on_commit(store: Store, repository: str, sha: str) -> list[Row]:
    """Returns the comments on a commit, oldest first."""
    return store.rows("SELECT * FROM commit_comments WHERE repository = ? AND sha = ? ORDER BY id", repository, sha)


# --- statuses --------------------------------------------------------------------------------------------------------


def statuses(store: Store, repository: str, sha: str) -> list[Row]:
    """Returns the statuses of a commit, newest first."""
    return store.rows("SELECT * FROM statuses WHERE repository = ? AND sha = ? ORDER BY id DESC", repository, sha)


def latest(store: Store, repository: str, sha: str) -> list[Row]:
    """Returns the newest status of each context, oldest context first."""
    by_context: dict[str, Row] = {}
    for status in reversed(statuses(store, repository, sha)):
        by_context[status["context"]] = status
    return list(by_context.values())


def combined(found: list[Row]) -> str:
    """Returns the combined state of statuses, as GitHub defines it."""
    states = {status["state"] for status in found}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"
