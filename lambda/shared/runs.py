"""A pipeline's run: what it builds, how far it got, why it failed. Read from CodePipeline, not believed of an event.

Events come twice, late and in any order; CodePipeline's own lists do not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from shared.aws import HERE, code
from shared.event import inner, table, text
from shared.words import parsed

_EVENT_STATES = {
    "STARTED": "InProgress",
    "RESUMED": "InProgress",
    "SUCCEEDED": "Succeeded",
    "FAILED": "Failed",
    "STOPPING": "Stopping",
    "STOPPED": "Stopped",
    "CANCELED": "Cancelled",
    "SUPERSEDED": "Superseded",
}
_LISTED = 200  # runs that are looked at: those that wait or run are among the newest
_CONSOLE = (
    "https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/executions/{execution}"
    "/timeline?region={region}"
)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """A run in its pipeline's list."""

    id: str
    status: str
    started: datetime
    rollback: bool
    """Whether CodePipeline made it to take a stage back: it is no release, and neither failure nor recovery."""


@dataclass(frozen=True)
class Event:
    """What an event of CodePipeline says."""

    pipeline: str
    execution: str
    status: str
    attempt: str
    trigger: dict[str, Any]

    @classmethod
    def of(cls, event: dict[str, Any]) -> Event:
        """Of `CodePipeline Pipeline Execution State Change`, or of a stage or action of it."""
        detail = table(inner(event, "detail"), "detail")
        trigger = detail.get("execution-trigger")
        return cls(
            text(detail, "pipeline", "detail"),
            text(detail, "execution-id", "detail"),
            _EVENT_STATES.get(str(detail.get("state")), str(detail.get("state"))),
            str(detail.get("pipeline-execution-attempt", "1")),
            trigger if isinstance(trigger, dict) else {},
        )


@dataclass(frozen=True)
class Run:
    """A run, with what is known of it; an empty text is not known."""

    pipeline: str
    id: str
    link: str
    rollback: bool = False
    branch: str = ""
    pull_request: str = ""
    commit: str = ""
    message: str = ""
    author: str = ""
    version: str = ""
    stage: str = ""
    action: str = ""
    reason: str = ""
    log: str = ""
    stages: tuple[tuple[str, str], ...] = ()
    """Every stage it entered, in order, and how that is."""

    @property
    def group(self) -> str:
        """What a newer run takes the place of: its pull request, or else its branch."""
        return f"pull request {self.pull_request}" if self.pull_request else self.branch

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.version or self.commit[:7] or self.id[:8]


def entries(pipeline: str) -> list[Entry]:
    """A pipeline's runs, newest first."""
    pages = HERE.client("codepipeline").get_paginator("list_pipeline_executions")
    found = pages.paginate(pipelineName=pipeline, PaginationConfig={"MaxItems": _LISTED})
    listed = [
        Entry(
            str(each["pipelineExecutionId"]),
            str(each["status"]),
            each.get("startTime") or _BEGINNING,
            each.get("executionType") == "ROLLBACK",
        )
        for page in found
        for each in page["pipelineExecutionSummaries"]
    ]
    return sorted(listed, key=lambda entry: entry.started, reverse=True)


def told(listed: Iterable[Entry], event: Event) -> list[Entry]:
    """The list with an event's news, where the list still has the run in progress."""
    return [
        replace(each, status=event.status) if each.id == event.execution and each.status == "InProgress" else each
        for each in listed
    ]


def read(pipeline: str, execution: str, trigger: dict[str, Any] | None = None) -> Run:
    """All that CodePipeline knows of a run."""
    codepipeline = HERE.client("codepipeline")
    found = codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
    about = found["pipelineExecution"]
    actions = _actions(codepipeline, pipeline, execution)
    known = {**_triggered(about, trigger or {}), **_variables(actions)}
    failed = min((each for each in actions if each["status"] == "Failed"), key=_ended, default=None)
    result = (failed or {}).get("output", {}).get("executionResult", {})
    return Run(
        pipeline=pipeline,
        id=execution,
        link=link(pipeline, execution),
        rollback=about.get("executionType") == "ROLLBACK",
        branch=known.get("SourceBranchName") or known.get("BranchName", ""),
        pull_request=known.get("PullRequestId", ""),
        commit=known.get("CommitId", ""),
        message=known.get("CommitMessage", "").partition("\n")[0],
        author=known.get("AuthorDisplayName", ""),
        version=known.get(os.environ.get("VERSION_VARIABLE", "RELEASE_VERSION"), ""),
        stage=failed["stageName"] if failed else "",
        action=failed["actionName"] if failed else "",
        reason=result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary", ""),
        log=result.get("externalExecutionUrl", ""),
        stages=_stages(actions),
    )


def entered(pipeline: str, execution: str) -> set[str]:
    """The stages a run has entered."""
    return {each["stageName"] for each in _actions(HERE.client("codepipeline"), pipeline, execution)}


def link(pipeline: str, execution: str) -> str:
    """Where a person sees a run; `RUN_URL` may say another place than AWS's console."""
    template = os.environ.get("RUN_URL") or _CONSOLE
    return template.format(region=os.environ.get("AWS_REGION", ""), pipeline=pipeline, execution=execution)


def _actions(codepipeline: Any, pipeline: str, execution: str) -> list[dict[str, Any]]:
    """The newest attempt of every action of a run, in the order they began."""
    pages = codepipeline.get_paginator("list_action_executions")
    try:
        found = [
            each
            for page in pages.paginate(pipelineName=pipeline, filter={"pipelineExecutionId": execution})
            for each in page["actionExecutionDetails"]
        ]
    except Exception as error:
        if code(error) == "PipelineExecutionNotFoundException":
            return []
        raise
    found.sort(key=lambda each: each.get("startTime") or _BEGINNING)
    return list({(each["stageName"], each["actionName"]): each for each in found}.values())


def _ended(action: dict[str, Any]) -> datetime:
    when: datetime = action.get("lastUpdateTime") or action.get("startTime") or _BEGINNING
    return when


def _variables(actions: list[dict[str, Any]]) -> dict[str, str]:
    """What the actions of a run exported, by name."""
    found: dict[str, str] = {}
    for each in actions:
        for name, value in (each.get("output", {}).get("outputVariables") or {}).items():
            if value:
                found.setdefault(name, value)
    return found


def _triggered(about: dict[str, Any], trigger: dict[str, Any]) -> dict[str, str]:
    """What is known of a run before its source action has ended."""
    known: dict[str, str] = {}
    for each in about.get("artifactRevisions", [])[:1]:
        known["CommitId"] = each.get("revisionId", "")
        known["CommitMessage"] = _object(each.get("revisionSummary", "")).get("CommitMessage", "")
    detail = _object(about.get("trigger", {}).get("triggerDetail", ""))
    names = {
        "branch-name": "BranchName",
        "pull-request-id": "PullRequestId",
        "commit-id": "CommitId",
        "commit-message": "CommitMessage",
        "author-display-name": "AuthorDisplayName",
    }
    for source in (detail, trigger):
        known |= {ours: str(source[theirs]) for theirs, ours in names.items() if source.get(theirs)}
    return known


def _object(text: str) -> dict[str, Any]:
    try:
        value = parsed(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _stages(actions: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    worst = {"Failed": 0, "Abandoned": 1, "Succeeded": 3}
    stages: dict[str, str] = {}
    for each in actions:
        name, status = each["stageName"], each["status"]
        stages[name] = min(stages.get(name, status), status, key=lambda known: worst.get(known, 2))
    return tuple(stages.items())
