"""Pull requests: they are opened, updated by pushes, merged and closed; each event triggers pipelines once."""

from __future__ import annotations

import logging
from contextlib import suppress

from localcloud.github import issues
from localcloud.github.hub import Hub, PullRequest, PullRequestEvent, Push, Started, Update
from localcloud.github.repositories import NOTHING, GitError, Repository
from localcloud.github.store import Row, now

logger = logging.getLogger("localcloud")


class NotMergeableError(Exception):
    """The branches cannot be merged."""


def announce(hub: Hub, repository: Repository, pull: Row, event: PullRequestEvent) -> list[Started]:
    """Start the pipelines that a pull request event triggers."""
    files: tuple[str, ...] = ()
    with suppress(GitError):
        base = repository.merge_base(pull["base"], pull["head_sha"])
        files = tuple(repository.changed_files(base or NOTHING, pull["head_sha"]))
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
    """Returns a pull request by its number, or None."""
    found = issues.find(hub.store, repository.name, number)
    return found if found is not None and found["head"] is not None else None


def obstacle(hub: Hub, repository: Repository, head: str, base: str) -> str:
    """Returns why two branches can have no pull request, in GitHub's words; empty if they can."""
    if repository.contains(f"refs/heads/{base}", f"refs/heads/{head}"):
        return f"No commits between {base} and {head}"
    if repository.merge_base(base, head) is None:
        return f"The {head} branch has no history in common with {base}"
    found = issues.find_all(hub.store, repository.name, pulls=True, state="open")
    if any((pull["head"], pull["base"]) == (head, base) for pull in found):
        return f"A pull request already exists for {repository.owner}:{head}."
    return ""


def create(
    hub: Hub, repository: Repository, *, title: str, body: str | None, head: str, base: str, author: str, draft: bool
) -> tuple[Row, list[Started]]:
    """Creates a pull request of two existing, different branches; returns it and the pipeline runs it started."""
    tips = repository.branches()
    with hub.store.change():
        made = issues.create(hub.store, repository.name, title=title, body=body, author=author)
        hub.store.insert(
            "pulls",
            issue=made["id"],
            head=head,
            base=base,
            head_sha=tips[head],
            base_sha=tips[base],
            draft=int(draft),
        )
    # The commits survive the deletion of the branch and can be fetched by number, as from GitHub.
    repository.text("update-ref", f"refs/pull/{made['number']}/head", tips[head])
    pull = find(hub, repository, made["number"]) or made
    return pull, announce(hub, repository, pull, "OPEN")


def close(hub: Hub, repository: Repository, pull: Row) -> list[Started]:
    """Close a pull request without merging it."""
    issues.change(hub.store, pull, state="closed")
    return announce(hub, repository, pull, "CLOSED")


def _merged(hub: Hub, repository: Repository, pull: Row, commit: str) -> list[Started]:
    with hub.store.change():
        hub.store.update("pulls", pull["id"], key="issue", merged=now(), merge_sha=commit)
        issues.change(hub.store, pull, state="closed")
    return announce(hub, repository, pull, "CLOSED")


def follow_push(hub: Hub, repository: Repository, branch: str, commit: str | None) -> list[Started]:
    """Update the open pull requests of a pushed branch; if the branch was deleted (None), close them."""
    started: list[Started] = []
    for pull in issues.find_all(hub.store, repository.name, pulls=True, state="open"):
        if branch == pull["head"]:
            if commit is None:
                started += close(hub, repository, pull)
                continue
            hub.store.update("pulls", pull["id"], key="issue", head_sha=commit)
            repository.text("update-ref", f"refs/pull/{pull['number']}/head", commit)
            started += announce(hub, repository, {**pull, "head_sha": commit}, "UPDATED")
        elif branch == pull["base"] and commit is not None and repository.contains(commit, pull["head_sha"]):
            started += _merged(hub, repository, pull, commit)
    return started


# --- merging ---------------------------------------------------------------------------------------------------------


def merge_title(repository: Repository, pull: Row, *, squash: bool) -> str:
    """Returns the subject of the merge commit, as GitHub writes it."""
    if squash:
        return f"{pull['title']} (#{pull['number']})"
    return f"Merge pull request #{pull['number']} from {repository.owner}/{pull['head']}"


def mergeable(repository: Repository, pull: Row) -> bool:
    """True if git can merge the pull request without conflicts."""
    try:
        _tree(repository, pull)
    except NotMergeableError:
        return False
    return True


def _tree(repository: Repository, pull: Row) -> str:
    base, head = repository.resolve(f"refs/heads/{pull['base']}"), pull["head_sha"]
    if base is None:
        raise NotMergeableError("the base branch does not exist")
    try:
        return repository.text("merge-tree", "--write-tree", "--no-messages", base, head).splitlines()[0]
    except GitError as error:
        raise NotMergeableError("the branches change the same lines") from error


def merge(hub: Hub, repository: Repository, pull: Row, *, message: str, squash: bool) -> tuple[str, list[Started]]:
    """Merges into the base branch; returns the commit and the pipeline runs that its push and the closing started.

    Raises:
        NotMergeableError: if there are conflicts, or the base branch was updated meanwhile.
    """
    tree = _tree(repository, pull)
    base = str(repository.resolve(f"refs/heads/{pull['base']}"))
    parents = [base] if squash else [base, pull["head_sha"]]
    author = repository.commits(pull["head_sha"], limit=1)[0].committer
    variables = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
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
    return commit, started + announce_push(hub, repository, update, author.name)


def announce_push(hub: Hub, repository: Repository, update: Update, pusher: str) -> list[Started]:
    """Start the pipelines that an updated branch or tag triggers, and those of its pull requests' events.

    A deletion is no push event, but closes pull requests.
    """
    if update.deleted:
        return follow_push(hub, repository, update.branch, None) if update.branch else []
    commit = repository.resolve(update.after) or update.after
    started: list[Started] = []
    if update.branch or update.ref.startswith("refs/tags/"):
        files = tuple(repository.changed_files(update.before, commit))
        started = hub.triggers.push(Push(repository.name, update.ref, update.before, commit, pusher, files))
    return started + (follow_push(hub, repository, update.branch, commit) if update.branch else [])
