"""What starts a pipeline by itself: pushes and pull requests that its triggers' filters let through.

`push` and `pull_request` are for the local git server. They ask git and may wait: call them off the event loop.
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
from localcloud.codepipeline.errors import ActionError, ServiceError
from localcloud.codepipeline.model import Declaration, Execution
from localcloud.codepipeline.state import STORE
from localcloud.codepipeline.store import Pipeline

SYMBOLS = ("ministack.core.responses:request_scope",)

logger = logging.getLogger("localcloud")

PROVIDER = "CodeStarSourceConnection"
_DETAIL = 1024

PullRequestEvent = Literal["OPEN", "UPDATED", "CLOSED"]


@dataclass(frozen=True)
class Push:
    """A branch or a tag now shows another commit."""

    repository: str
    ref: str
    """`refs/heads/…` or `refs/tags/…`."""
    commit: str
    files: tuple[str, ...]

    @property
    def branch(self) -> str:
        """The branch, or nothing."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    @property
    def tag(self) -> str:
        """The tag, or nothing."""
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else ""


@dataclass(frozen=True)
class PullRequest:
    """Something happened to a pull request."""

    repository: str
    event: PullRequestEvent
    number: str
    title: str
    source: str
    destination: str
    commit: str
    files: tuple[str, ...]


# --- entries ---------------------------------------------------------------------------------------------------------


def push(repository: str, ref: str, commit: str, before: str = "", files: Sequence[str] | None = None) -> list[str]:
    """Start what a push starts; answers the executions. `files` are worked out when they are not given."""
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
    """Start what an event of a pull request starts: `commit` is the newest of its source branch."""
    if files is None:
        files = git.Repository.named(repository).changed(f"refs/heads/{destination}", commit)
    return _start(PullRequest(repository, event, str(number), title, source, destination, commit, tuple(files)))


def _start(change: Push | PullRequest) -> list[str]:
    started: list[str] = []
    with STORE.changed:
        found = [(pipeline, action) for pipeline in STORE.pipelines.values() for action in asked(pipeline, change)]
    for pipeline, action in found:
        if pipeline.left_over:
            continue
        with request_scope(*pipeline.place):
            try:
                started.append(_run(pipeline, action, change).id)
            except ServiceError as error:
                logger.warning("%s was not started by %s: %s", pipeline.name, change.repository, error)
    return started


def _run(pipeline: Pipeline, action: Declaration, change: Push | PullRequest) -> Execution:
    known = _known(change)
    told = _told(change, action)
    trigger = {"triggerType": "WebhookV2", "triggerDetail": json.dumps(told)[:_DETAIL]}
    return executions.start(pipeline, trigger, sources={action["name"]: known}, event=told)


def _known(change: Push | PullRequest) -> dict[str, str]:
    """Output variables the source action gets from the trigger."""
    if isinstance(change, Push):
        return {"CommitId": change.commit, "BranchName": change.branch, "TagName": change.tag}
    return {
        "CommitId": change.commit,
        "SourceBranchName": change.source,
        "DestinationBranchName": change.destination,
        "PullRequestId": change.number,
        "PullRequestTitle": change.title,
    }


def _told(change: Push | PullRequest, action: Declaration) -> dict[str, str]:
    told = {
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
        told |= {
            "author-display-name": commit.author,
            "author-email": commit.email,
            "author-date": commit.date,
            "commit-message": commit.message[:200],
        }
    if isinstance(change, PullRequest):
        told |= {"pull-request-id": change.number, "branch-name": change.source}
    else:
        told |= {"branch-name": change.branch, "tag-name": change.tag}
    return {name: value for name, value in told.items() if value}


# --- filters ---------------------------------------------------------------------------------------------------------


def asked(pipeline: Pipeline, change: Push | PullRequest) -> Iterator[Declaration]:
    """The source actions whose triggers let a change through; the first one only, for one run serves all."""
    triggers = {
        one["gitConfiguration"]["sourceActionName"]: one["gitConfiguration"]
        for one in pipeline.declaration.get("triggers") or []
    }
    for action in pipeline.declaration["stages"][0]["actions"]:
        configuration = action.get("configuration") or {}
        if action["actionTypeId"]["provider"] != PROVIDER:
            continue
        if configuration.get("FullRepositoryId") != change.repository:
            continue
        if action["name"] in triggers:
            wanted = starts(triggers[action["name"]], change)
        elif triggers:
            wanted = False
        else:
            wanted = _default(configuration, change)
        if wanted:
            yield action
            return


def _default(configuration: Mapping[str, str], change: Push | PullRequest) -> bool:
    """Without triggers every push to the action's branch starts the pipeline, unless that is switched off."""
    detects = configuration.get("DetectChanges", "true").lower() != "false"
    return detects and isinstance(change, Push) and change.branch == configuration.get("BranchName")


def starts(trigger: Mapping[str, Any], change: Push | PullRequest) -> bool:
    """Whether one of a trigger's filters lets a change through: within a filter everything must agree.

    A trigger without filters is started by every push.
    """
    if isinstance(change, Push):
        filters = trigger.get("push") or []
        if not filters and not trigger.get("pullRequest"):
            return bool(change.branch)
        return any(_push(one, change) for one in filters)
    return any(_pull_request(one, change) for one in trigger.get("pullRequest") or [])


def _push(criteria: Mapping[str, Any], change: Push) -> bool:
    if change.tag:
        return "tags" in criteria and globs.chosen([change.tag], criteria["tags"])
    if "tags" in criteria and not criteria.keys() & {"branches", "filePaths"}:
        return False
    return globs.chosen([change.branch], criteria.get("branches") or {}) and _files(criteria, change.files)


def _pull_request(criteria: Mapping[str, Any], change: PullRequest) -> bool:
    events = criteria.get("events") or ["OPEN", "UPDATED", "CLOSED"]
    return (
        change.event in events
        and globs.chosen([change.destination], criteria.get("branches") or {})
        and _files(criteria, change.files)
    )


def _files(criteria: Mapping[str, Any], files: Sequence[str]) -> bool:
    """A change of no included file, or of excluded files only, starts nothing."""
    return "filePaths" not in criteria or globs.chosen(files, criteria["filePaths"])
