"""Triggers: start pipelines after pushes and pull requests that match their filters.

The local git server calls `push` and `pull_request`. They run git and may block, so they must not be called on the
event loop.
docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-triggers.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ministack.core.responses import request_scope

from localcloud.codepipeline import executions, git, globs
from localcloud.codepipeline.errors import ActionError
from localcloud.codepipeline.model import Declaration, Execution
from localcloud.codepipeline.state import STORE
from localcloud.codepipeline.store import Pipeline
from localcloud.json_services import ServiceError

SYMBOLS = ("ministack.core.responses:request_scope",)

logger = logging.getLogger("localcloud")

PROVIDER = "CodeStarSourceConnection"
_MAX_DETAIL = 1024

PullRequestEvent = Literal["OPEN", "UPDATED", "CLOSED"]


@dataclass(frozen=True)
class Push:
    """A push: a branch or tag now points to another commit."""

    repository: str
    ref: str
    """`refs/heads/…` or `refs/tags/…`."""
    commit: str
    files: tuple[str, ...]

    @property
    def branch(self) -> str:
        """The name of the branch; empty if a tag was pushed."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    @property
    def tag(self) -> str:
        """The name of the tag; empty if a branch was pushed."""
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else ""


@dataclass(frozen=True)
class PullRequest:
    """An event of a pull request."""

    repository: str
    event: PullRequestEvent
    number: str
    title: str
    source: str
    destination: str
    commit: str
    files: tuple[str, ...]


# --- calls of the git server -----------------------------------------------------------------------------------------


def push(repository: str, ref: str, commit: str, before: str = "", files: Sequence[str] | None = None) -> list[str]:
    """Starts the pipelines that a push triggers, and returns the ids of their runs.

    `files` are the changed files; by default git computes them.
    """
    if not commit.strip("0"):
        return []  # a branch or tag was deleted
    if files is None:
        files = git.Repository.named(repository).changed(before, commit)
    return _start(Push(repository, ref, commit, tuple(files)))


def pull_request(
    repository: str,
    event: PullRequestEvent,
    *,
    number: str,
    title: str,
    source: str,
    destination: str,
    commit: str,
    files: Sequence[str] | None = None,
) -> list[str]:
    """Starts the pipelines that an event of a pull request triggers, and returns the ids of their runs.

    `commit` is the newest commit of its source branch.
    """
    if files is None:
        files = git.Repository.named(repository).changed(f"refs/heads/{destination}", commit)
    return _start(PullRequest(repository, event, str(number), title, source, destination, commit, tuple(files)))


def _start(change: Push | PullRequest) -> list[str]:
    started: list[str] = []
    with STORE.changed:
        triggered = [
            (pipeline, action)
            for pipeline in STORE.pipelines.values()
            for action in triggered_actions(pipeline, change)
        ]
    for pipeline, action in triggered:
        if pipeline.restored:
            continue
        with request_scope(*pipeline.place):
            try:
                started.append(_run(pipeline, action, change).id)
            except ServiceError as error:
                logger.warning("%s was not started by %s: %s", pipeline.name, change.repository, error)
    return started


def _run(pipeline: Pipeline, action: Declaration, change: Push | PullRequest) -> Execution:
    details = _details(change, action)
    trigger = {"triggerType": "WebhookV2", "triggerDetail": json.dumps(details)[:_MAX_DETAIL]}
    return executions.start(pipeline, trigger, sources={action["name"]: _source_variables(change)}, event=details)


def _source_variables(change: Push | PullRequest) -> dict[str, str]:
    """Returns the output variables that the source action gets from the trigger."""
    if isinstance(change, Push):
        return {"CommitId": change.commit, "BranchName": change.branch, "TagName": change.tag}
    return {
        "CommitId": change.commit,
        "SourceBranchName": change.source,
        "DestinationBranchName": change.destination,
        "PullRequestId": change.number,
        "PullRequestTitle": change.title,
    }


def _details(change: Push | PullRequest, action: Declaration) -> dict[str, str]:
    """Returns the details of the trigger for the run and for EventBridge."""
    details = {
        "provider-type": "GitHub",
        "connection-arn": action["configuration"].get("ConnectionArn", ""),
        "full-repository-name": change.repository,
        "commit-id": change.commit,
    }
    try:
        commit = git.Repository.named(change.repository).commit(change.commit)
    except ActionError:
        commit = None
    if commit is not None:
        details |= {
            "author-display-name": commit.author,
            "author-email": commit.email,
            "author-date": commit.date,
            "commit-message": commit.message[:200],
        }
    if isinstance(change, PullRequest):
        details |= {"pull-request-id": change.number, "branch-name": change.source}
    else:
        details |= {"branch-name": change.branch, "tag-name": change.tag}
    return {name: value for name, value in details.items() if value}


# --- filters ---------------------------------------------------------------------------------------------------------


def triggered_actions(pipeline: Pipeline, change: Push | PullRequest) -> Iterator[Declaration]:
    """Yields the first source action whose triggers match a change: one run is enough, even if more would match."""
    triggers = {
        trigger["gitConfiguration"]["sourceActionName"]: trigger["gitConfiguration"]
        for trigger in pipeline.declaration.get("triggers") or []
    }
    for action in pipeline.declaration["stages"][0]["actions"]:
        configuration = action.get("configuration") or {}
        if action["actionTypeId"]["provider"] != PROVIDER:
            continue
        if configuration.get("FullRepositoryId") != change.repository:
            continue
        if action["name"] in triggers:
            matches = trigger_matches(triggers[action["name"]], change)
        elif triggers:
            matches = False
        else:
            matches = _default_matches(configuration, change)
        if matches:
            yield action
            return


def _default_matches(configuration: Mapping[str, str], change: Push | PullRequest) -> bool:
    """True for a push to the branch of a source action without triggers, unless DetectChanges is false."""
    detects = configuration.get("DetectChanges", "true").lower() != "false"
    return detects and isinstance(change, Push) and change.branch == configuration.get("BranchName")


def trigger_matches(trigger: Mapping[str, Any], change: Push | PullRequest) -> bool:
    """True if a change matches all criteria of at least one of a trigger's filters.

    A trigger without filters matches every push of a branch.
    """
    if isinstance(change, Push):
        filters = trigger.get("push") or []
        if not filters and not trigger.get("pullRequest"):
            return bool(change.branch)
        return any(_push_matches(criteria, change) for criteria in filters)
    return any(_pull_request_matches(criteria, change) for criteria in trigger.get("pullRequest") or [])


def _push_matches(criteria: Mapping[str, Any], change: Push) -> bool:
    if change.tag:
        return "tags" in criteria and globs.any_included([change.tag], criteria["tags"])
    if "tags" in criteria and not criteria.keys() & {"branches", "filePaths"}:
        return False
    return globs.any_included([change.branch], criteria.get("branches") or {}) and _files_match(criteria, change.files)


def _pull_request_matches(criteria: Mapping[str, Any], change: PullRequest) -> bool:
    events = criteria.get("events") or ["OPEN", "UPDATED", "CLOSED"]
    return (
        change.event in events
        and globs.any_included([change.destination], criteria.get("branches") or {})
        and _files_match(criteria, change.files)
    )


def _files_match(criteria: Mapping[str, Any], files: Sequence[str]) -> bool:
    """True without criteria for files, or if at least one changed file is included and not excluded."""
    return "filePaths" not in criteria or globs.any_included(files, criteria["filePaths"])
