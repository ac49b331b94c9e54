"""Issues, their comments, and the marks that runs leave on commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localcloud.github.store import Row, Store, now

COLUMNS = "issues.*, pulls.head, pulls.base, pulls.head_sha, pulls.base_sha, pulls.draft, pulls.merged, pulls.merge_sha"
_FROM = f"SELECT {COLUMNS} FROM issues LEFT JOIN pulls ON pulls.issue = issues.id"  # noqa: S608 - a constant


def opened(
    store: Store, repository: str, *, title: str, body: str | None, author: str, labels: Sequence[str] = ()
) -> Row:
    """A new issue."""
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
    """An issue or a pull request by its number."""
    return store.row(f"{_FROM} WHERE repository = ? AND number = ?", repository, number)


def listed(store: Store, repository: str, *, pulls: bool | None = None, state: str = "all") -> list[Row]:
    """Issues and pull requests, newest first; `pulls` keeps only these, or only the others."""
    found = store.rows(f"{_FROM} WHERE repository = ? ORDER BY number DESC", repository)
    return [
        one for one in found if (pulls is None or (one["head"] is not None) is pulls) and state in {"all", one["state"]}
    ]


def change(store: Store, issue: Row, **values: Any) -> None:
    """Change an issue; closing and opening again set what belongs to it."""
    state = values.get("state", issue["state"])
    if state != issue["state"]:
        values["closed"] = now() if state == "closed" else None
        values.setdefault("reason", "completed" if state == "closed" else "reopened")
    store.update("issues", issue["id"], updated=now(), **values)


def comment(store: Store, issue: Row, body: str, author: str) -> Row:
    """A new comment."""
    moment = now()
    with store.change():
        made = store.insert("comments", issue=issue["id"], body=body, author=author, created=moment, updated=moment)
        store.update("issues", issue["id"], updated=moment)
    return {"id": made, "issue": issue["id"], "body": body, "author": author, "created": moment, "updated": moment}


def comments(store: Store, issue: Row) -> list[Row]:
    """The comments of an issue, oldest first."""
    return store.rows("SELECT * FROM comments WHERE issue = ? ORDER BY id", issue["id"])


# --- statuses --------------------------------------------------------------------------------------------------------


def statuses(store: Store, repository: str, sha: str) -> list[Row]:
    """The statuses of a commit, newest first."""
    return store.rows("SELECT * FROM statuses WHERE repository = ? AND sha = ? ORDER BY id DESC", repository, sha)


def latest(store: Store, repository: str, sha: str) -> list[Row]:
    """The newest status of each context, oldest context first."""
    by_context: dict[str, Row] = {}
    for one in reversed(statuses(store, repository, sha)):
        by_context[one["context"]] = one
    return list(by_context.values())


def combined(found: list[Row]) -> str:
    """What the newest statuses come to, as GitHub adds them up."""
    states = {one["state"] for one in found}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"
