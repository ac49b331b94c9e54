"""Releases: a tag in git, a page, and notes of what was merged since the release before."""

from __future__ import annotations

from localcloud.github import issues, pulls
from localcloud.github.hub import ACTOR, Hub, Update
from localcloud.github.repositories import NOTHING, Commit, GitError, Repository
from localcloud.github.store import Row, now

_MOST = 250


class TakenError(Exception):
    """There is a release of this tag."""


def listed(hub: Hub, repository: Repository, *, drafts: bool = True) -> list[Row]:
    """The releases, newest first."""
    found = hub.store.rows("SELECT * FROM releases WHERE repository = ? ORDER BY id DESC", repository.name)
    return [one for one in found if drafts or not one["draft"]]


def of_tag(hub: Hub, repository: Repository, tag: str) -> Row | None:
    """The published release of a tag."""
    return next((one for one in listed(hub, repository, drafts=False) if one["tag"] == tag), None)


def latest(hub: Hub, repository: Repository) -> Row | None:
    """The newest that is neither a draft nor a pre-release."""
    return next((one for one in listed(hub, repository, drafts=False) if not one["prerelease"]), None)


def published(
    hub: Hub, repository: Repository, *, tag: str, target: str, commit: str, name: str, body: str, **flags: bool
) -> Row:
    """A new release; its tag is made on the commit, unless it is there. A new tag is a push like any other.

    Raises:
        TakenError: when there is one already.
    """
    reference = f"refs/tags/{tag}"
    draft, made = flags.get("draft", False), False
    with hub.store.change():
        if any(one["tag"] == tag for one in listed(hub, repository)):
            raise TakenError(tag)
        if not draft and repository.reference(reference) is None:
            try:
                repository.move(reference, commit, NOTHING)
                made = True
            except GitError:
                if repository.reference(reference) is None:
                    raise
        identifier = hub.store.insert(
            "releases",
            repository=repository.name,
            tag=tag,
            target=target,
            name=name,
            body=body,
            draft=int(draft),
            prerelease=int(flags.get("prerelease", False)),
            author=ACTOR,
            created=now(),
            published=None if draft else now(),
        )
    if made:
        pulls.announce_push(hub, repository, Update(NOTHING, commit, reference), ACTOR)
    return hub.store.rows("SELECT * FROM releases WHERE id = ?", identifier)[0]


# --- notes -----------------------------------------------------------------------------------------------------------


def notes(hub: Hub, repository: Repository, tag: str, commit: str, previous: str | None = None) -> str:
    """What was merged since the release before: pull requests, and commits that came without one."""
    previous = previous or _previous(hub, repository, tag, commit)
    since = [f"^refs/tags/{previous}"] if previous else []
    commits = repository.commits(commit, *since, limit=_MOST, order="topo")
    lines = [f"* {line}" for line in _changes(hub, repository, commits)]
    changes = "## What's Changed\n" + "\n".join(lines) + "\n\n" if lines else ""
    between = f"/compare/{previous}...{tag}" if previous else f"/commits/{tag}"
    return f"{changes}**Full Changelog**: {hub.html(repository.name, between)}"


def _previous(hub: Hub, repository: Repository, tag: str, commit: str) -> str | None:
    for one in listed(hub, repository, drafts=False):
        sha = repository.resolve(f"refs/tags/{one['tag']}")
        if one["tag"] != tag and sha is not None and repository.contains(commit, sha):
            return str(one["tag"])
    return None


def _changes(hub: Hub, repository: Repository, commits: list[Commit]) -> list[str]:
    merged = {one["merge_sha"]: one for one in issues.listed(hub.store, repository.name, pulls=True) if one["merged"]}
    own = {one["head_sha"]: one for one in merged.values()}
    inside = {sha for one in merged.values() for sha in _commits_of(repository, one)}
    lines: list[str] = []
    for commit in reversed(commits):
        pull = merged.get(commit.sha) or own.pop(commit.sha, None)
        if pull is not None and pull["merge_sha"] in merged:
            own.pop(pull["head_sha"], None)
            del merged[pull["merge_sha"]]
            page = hub.html(repository.name, f"/pull/{pull['number']}")
            lines.append(f"{pull['title']} by @{pull['author']} in {page}")
        elif commit.sha not in inside and len(commit.parents) <= 1:
            lines.append(f"{commit.subject} by {commit.author.name} in {commit.sha[:7]}")
    return lines


def _commits_of(repository: Repository, pull: Row) -> list[str]:
    try:
        return [one.sha for one in repository.commits(pull["head_sha"], f"^{pull['base_sha']}", limit=_MOST)]
    except GitError:
        return []
