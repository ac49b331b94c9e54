"""Pull requests: opened, brought up to date by pushes, merged, closed; each event is passed on once."""

from __future__ import annotations

import logging
from contextlib import suppress

from localcloud.github import issues
from localcloud.github.hub import Hub, PullRequest, PullRequestEvent, Push, Started, Update
from localcloud.github.repositories import NOTHING, GitError, Repository
from localcloud.github.store import Row, now

logger = logging.getLogger("localcloud")


class NotMergeableError(Exception):
    """Git cannot merge the two."""


def announce(hub: Hub, repository: Repository, pull: Row, event: PullRequestEvent) -> list[Started]:
    """Start what an event of a pull request starts."""
    files: tuple[str, ...] = ()
    with suppress(GitError):
        base = repository.base(pull["base"], pull["head_sha"])
        files = tuple(repository.changed(base or NOTHING, pull["head_sha"]))
    change = PullRequest(
        repository=repository.name,
        event=event,
        number=pull["number"],
        title=pull["title"],
        source=pull["head"],
        destination=pull["base"],
        commit=pull["head_sha"],
        files=files,
    )
    return hub.triggers.pull_request(change)


def find(hub: Hub, repository: Repository, number: int) -> Row | None:
    """A pull request by its number."""
    found = issues.find(hub.store, repository.name, number)
    return found if found is not None and found["head"] is not None else None


def hindrance(hub: Hub, repository: Repository, head: str, base: str) -> str:
    """Why there can be no pull request of two branches, in GitHub's words; nothing when there can."""
    if repository.contains(f"refs/heads/{base}", f"refs/heads/{head}"):
        return f"No commits between {base} and {head}"
    if repository.base(base, head) is None:
        return f"The {head} branch has no history in common with {base}"
    found = issues.listed(hub.store, repository.name, pulls=True, state="open")
    if any((one["head"], one["base"]) == (head, base) for one in found):
        return f"A pull request already exists for {repository.owner}:{head}."
    return ""


def opened(
    hub: Hub, repository: Repository, *, title: str, body: str | None, head: str, base: str, author: str, draft: bool
) -> tuple[Row, list[Started]]:
    """A new pull request, and what it started; the branches exist and differ."""
    tips = repository.branches()
    with hub.store.change():
        made = issues.opened(hub.store, repository.name, title=title, body=body, author=author)
        hub.store.insert(
            "pulls",
            issue=made["id"],
            head=head,
            base=base,
            head_sha=tips[head],
            base_sha=tips[base],
            draft=int(draft),
        )
    # Its commits stay when its branch is deleted, and can be fetched by number, as from GitHub.
    repository.text("update-ref", f"refs/pull/{made['number']}/head", tips[head])
    pull = find(hub, repository, made["number"]) or made
    return pull, announce(hub, repository, pull, "OPEN")


def closed(hub: Hub, repository: Repository, pull: Row) -> list[Started]:
    """Close without merging."""
    issues.change(hub.store, pull, state="closed")
    return announce(hub, repository, pull, "CLOSED")


def _merged(hub: Hub, repository: Repository, pull: Row, commit: str) -> list[Started]:
    with hub.store.change():
        hub.store.update("pulls", pull["id"], key="issue", merged=now(), merge_sha=commit)
        issues.change(hub.store, pull, state="closed")
    return announce(hub, repository, pull, "CLOSED")


def pushed(hub: Hub, repository: Repository, branch: str, commit: str | None) -> list[Started]:
    """Bring the open pull requests of a branch up to date; a branch that is gone (None) closes them."""
    started: list[Started] = []
    for pull in issues.listed(hub.store, repository.name, pulls=True, state="open"):
        if branch == pull["head"]:
            if commit is None:
                started += closed(hub, repository, pull)
                continue
            hub.store.update("pulls", pull["id"], key="issue", head_sha=commit)
            repository.text("update-ref", f"refs/pull/{pull['number']}/head", commit)
            started += announce(hub, repository, {**pull, "head_sha": commit}, "UPDATED")
        elif branch == pull["base"] and commit is not None and repository.contains(commit, pull["head_sha"]):
            started += _merged(hub, repository, pull, commit)
    return started


# --- merging ---------------------------------------------------------------------------------------------------------


def merge_title(repository: Repository, pull: Row, *, squash: bool) -> str:
    """The first line of the commit that merges, as GitHub writes it."""
    if squash:
        return f"{pull['title']} (#{pull['number']})"
    return f"Merge pull request #{pull['number']} from {repository.owner}/{pull['head']}"


def mergeable(repository: Repository, pull: Row) -> bool:
    """Whether git can merge it without anybody's help."""
    try:
        _tree(repository, pull)
    except NotMergeableError:
        return False
    return True


def _tree(repository: Repository, pull: Row) -> str:
    base, head = repository.resolve(f"refs/heads/{pull['base']}"), pull["head_sha"]
    if base is None:
        raise NotMergeableError("the base branch is gone")
    try:
        return repository.text("merge-tree", "--write-tree", "--no-messages", base, head).splitlines()[0]
    except GitError as error:
        raise NotMergeableError("the branches change the same lines") from error


def merge(hub: Hub, repository: Repository, pull: Row, *, message: str, squash: bool) -> tuple[str, list[Started]]:
    """Merge into the base branch; answers the commit and what that started: a push, and the closing.

    Raises:
        NotMergeableError: when git cannot, or the base branch moved meanwhile.
    """
    tree = _tree(repository, pull)
    base = str(repository.resolve(f"refs/heads/{pull['base']}"))
    parents = [base] if squash else [base, pull["head_sha"]]
    who = repository.commits(pull["head_sha"], limit=1)[0].committer
    variables = {
        "GIT_AUTHOR_NAME": who.name,
        "GIT_AUTHOR_EMAIL": who.email,
        "GIT_COMMITTER_NAME": "GitHub",
        "GIT_COMMITTER_EMAIL": "noreply@github.com",
    }
    arguments = [part for parent in parents for part in ("-p", parent)]
    commit = repository.text("commit-tree", tree, *arguments, given=message, **variables)
    try:
        repository.move(f"refs/heads/{pull['base']}", commit, base)
    except GitError as error:
        raise NotMergeableError("the base branch was modified") from error
    started = _merged(hub, repository, pull, commit)
    update = Update(base, commit, f"refs/heads/{pull['base']}")
    return commit, started + announce_push(hub, repository, update, who.name)


def announce_push(hub: Hub, repository: Repository, update: Update, pusher: str) -> list[Started]:
    """Start what a moved branch or tag starts, its pull requests' events too; one that was deleted starts no push."""
    if update.deleted:
        return pushed(hub, repository, update.branch, None) if update.branch else []
    commit = repository.resolve(update.after) or update.after
    started: list[Started] = []
    if update.branch or update.ref.startswith("refs/tags/"):
        files = tuple(repository.changed(update.before, commit))
        started = hub.triggers.push(Push(repository.name, update.ref, update.before, commit, pusher, files))
    return started + (pushed(hub, repository, update.branch, commit) if update.branch else [])
