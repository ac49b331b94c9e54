"""Processes a push that git has accepted: starts pipelines, updates pull requests, and tells the user."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from localcloud.github import issues, pulls
from localcloud.github.hub import Hub, Update
from localcloud.github.repositories import Repository

logger = logging.getLogger("localcloud")


def process(hub: Hub, repository: Repository, pusher: str, updates: Sequence[Update]) -> list[str]:
    """Passes each update on once; returns the lines that `git push` prints."""
    lines: list[str] = []
    for update in updates:
        try:
            started = pulls.announce_push(hub, repository, update, pusher or _author(repository, update))
        except Exception as error:
            # Git has accepted the push, so the error of a trigger cannot fail it.
            logger.exception("%s: nothing was started by %s", repository.name, update.ref)
            lines.append(f"{_short(update.ref)}: nothing was started: {error}")
            continue
        lines += [f"{run.pipeline} started: {run.url}" for run in started]
        lines += _invitation(hub, repository, update)
        if not started and not update.deleted:
            lines.append(f"{_short(update.ref)}: this push starts no pipeline")
    return lines


def _author(repository: Repository, update: Update) -> str:
    commit = repository.commit(update.after) if not update.deleted else None
    return commit.committer.name if commit else ""


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _invitation(hub: Hub, repository: Repository, update: Update) -> list[str]:
    """Returns the line with the URL at which to open a pull request for a new branch, as GitHub prints it."""
    branch, default = update.branch, repository.default_branch
    if not (branch and update.new) or update.deleted or branch == default or default not in repository.branches():
        return []
    if any(pull["head"] == branch for pull in issues.find_all(hub.store, repository.name, pulls=True, state="open")):
        return []
    return [f"Open a pull request: {hub.page_url(repository.name, f'/compare/{default}...{branch}')}"]
