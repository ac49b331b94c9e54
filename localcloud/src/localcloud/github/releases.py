"""Releases: a git tag, a page, and notes on the changes since the previous release."""

from __future__ import annotations

from localcloud.github import issues, pulls
from localcloud.github.hub import ACTOR, Hub, Update
from localcloud.github.repositories import NOTHING, Commit, GitError, Repository
from localcloud.github.store import Row, now

_MOST = 250


class TakenError(Exception):
    """The tag already has a release."""


def find_all(hub: Hub, repository: Repository, *, drafts: bool = True) -> list[Row]:
    """Returns the releases, newest first."""
    found = hub.store.rows("SELECT * FROM releases WHERE repository = ? ORDER BY id DESC", repository.name)
    return [release for release in found if drafts or not release["draft"]]


def find_by_tag(hub: Hub, repository: Repository, tag: str) -> Row | None:
    """Returns the published release of a tag, or None."""
    return next((release for release in find_all(hub, repository, drafts=False) if release["tag"] == tag), None)


def latest(hub: Hub, repository: Repository) -> Row | None:
    """Returns the newest release that is neither a draft nor a pre-release, or None."""
    return next((release for release in find_all(hub, repository, drafts=False) if not release["prerelease"]), None)


def create(
    hub: Hub, repository: Repository, *, tag: str, target: str, commit: str, name: str, body: str, **flags: bool
) -> Row:
    """Creates a release, and its tag on the commit if it does not exist; a new tag is a push event.

    Raises:
        TakenError: if the tag already has a release.
    """
    reference = f"refs/tags/{tag}"
    draft, made = flags.get("draft", False), False
    with hub.store.change():
        if any(release["tag"] == tag for release in find_all(hub, repository)):
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
    """Returns release notes: pull requests merged since the previous release, and commits without a pull request."""
    previous = previous or _previous(hub, repository, tag, commit)
    since = [f"^refs/tags/{previous}"] if previous else []
    commits = repository.commits(commit, *since, limit=_MOST, order="topo")
    lines = [f"* {line}" for line in _changes(hub, repository, commits)]
    changes = "## What's Changed\n" + "\n".join(lines) + "\n\n" if lines else ""
    between = f"/compare/{previous}...{tag}" if previous else f"/commits/{tag}"
    return f"{changes}**Full Changelog**: {hub.page_url(repository.name, between)}"


def _previous(hub: Hub, repository: Repository, tag: str, commit: str) -> str | None:
    for release in find_all(hub, repository, drafts=False):
        sha = repository.resolve(f"refs/tags/{release['tag']}")
        if release["tag"] != tag and sha is not None and repository.contains(commit, sha):
            return str(release["tag"])
    return None


def _changes(hub: Hub, repository: Repository, commits: list[Commit]) -> list[str]:
    pulls_of_repository = issues.find_all(hub.store, repository.name, pulls=True)
    by_merge = {pull["merge_sha"]: pull for pull in pulls_of_repository if pull["merged"]}
    by_head = {pull["head_sha"]: pull for pull in by_merge.values()}
    in_pulls = {sha for pull in by_merge.values() for sha in _own_commits(repository, pull)}
    lines: list[str] = []
    for commit in reversed(commits):
        pull = by_merge.get(commit.sha) or by_head.pop(commit.sha, None)
        if pull is not None and pull["merge_sha"] in by_merge:
            by_head.pop(pull["head_sha"], None)
            del by_merge[pull["merge_sha"]]
            page = hub.page_url(repository.name, f"/pull/{pull['number']}")
            lines.append(f"{pull['title']} by @{pull['author']} in {page}")
        elif commit.sha not in in_pulls and len(commit.parents) <= 1:
            lines.append(f"{commit.subject} by {commit.author.name} in {commit.sha[:7]}")
    return lines


def _own_commits(repository: Repository, pull: Row) -> list[str]:
    try:
        return [commit.sha for commit in repository.commits(pull["head_sha"], f"^{pull['base_sha']}", limit=_MOST)]
    except GitError:
        return []
