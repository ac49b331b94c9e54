"""What happens after git has accepted a push: pipelines start, pull requests follow, the user reads which."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from localcloud.github import issues, pulls
from localcloud.github.hub import Hub, Update
from localcloud.github.repositories import Repository

logger = logging.getLogger("localcloud")


def accepted(hub: Hub, repository: Repository, pusher: str, updates: Sequence[Update]) -> list[str]:
    """Pass each update on once; answers what `git push` shows."""
    lines: list[str] = []
    for update in updates:
        try:
            started = pulls.announce_push(hub, repository, update, pusher or _author(repository, update))
        except Exception as error:
            # The push stands whatever a trigger does: git has accepted it.
            logger.exception("%s: nothing was started by %s", repository.name, update.ref)
            lines.append(f"{_short(update.ref)}: nothing was started: {error}")
            continue
        lines += [f"{one.pipeline} started: {one.url}" for one in started]
        lines += _invitation(hub, repository, update)
        if not started and not update.deleted:
            lines.append(f"{_short(update.ref)}: no pipeline is started by this push")
    return lines


def _author(repository: Repository, update: Update) -> str:
    commit = repository.commit(update.after) if not update.deleted else None
    return commit.committer.name if commit else ""


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _invitation(hub: Hub, repository: Repository, update: Update) -> list[str]:
    """Where a pull request of a new branch is opened, as GitHub tells it."""
    branch, default = update.branch, repository.default_branch
    if not (branch and update.new) or update.deleted or branch == default or default not in repository.branches():
        return []
    if any(one["head"] == branch for one in issues.listed(hub.store, repository.name, pulls=True, state="open")):
        return []
    return [f"Open a pull request: {hub.html(repository.name, f'/compare/{default}...{branch}')}"]
