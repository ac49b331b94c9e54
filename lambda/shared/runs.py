"""Pipeline runs as CodePipeline lists them: the commit, the progress, and the reason of a failure.

Only the lists are current: EventBridge may deliver an event twice, late, and in any order.
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
_LISTED = 200  # newest runs that are read; all that are in progress are among them
_CONSOLE = (
    "https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/executions/{execution}"
    "/timeline?region={region}"
)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """A run in the list of its pipeline."""

    id: str
    status: str
    started: datetime
    rollback: bool
    """True if CodePipeline started it to roll back a stage: it is neither a release nor a failure nor a recovery."""


@dataclass(frozen=True)
class Event:
    """A state change of a run, or of one of its stages or actions, as EventBridge delivers it."""

    pipeline: str
    execution: str
    status: str
    attempt: str
    trigger: dict[str, Any]

    @classmethod
    def parse(cls, event: dict[str, Any]) -> Event:
        """Parses a `CodePipeline … Execution State Change`.

        Raises:
            UnreadableEventError: if it names no pipeline or run.
        """
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
    """A run and its details; an empty string means that CodePipeline does not know it yet."""

    pipeline: str
    id: str
    link: str
    rollback: bool = False
    branch: str = ""
    pull_request: str = ""
    commit: str = ""
    message: str = ""
    """The commit's whole message."""
    author: str = ""
    version: str = ""
    stage: str = ""
    action: str = ""
    reason: str = ""
    log: str = ""
    build: str = ""
    """The id of the build that failed."""
    stages: tuple[tuple[str, str], ...] = ()
    """The stages it has entered, in order, each with its status."""

    @property
    def group(self) -> str:
        """The pull request, or else the branch: a newer run of the same group replaces this one."""
        return f"pull request {self.pull_request}" if self.pull_request else self.branch

    @property
    def subject(self) -> str:
        """The first line of the commit's message."""
        return self.message.partition("\n")[0]

    @property
    def name(self) -> str:
        """A short name for people: the version, else the commit, else the id."""
        return self.version or self.commit[:7] or self.id[:8]


def entries(pipeline: str) -> list[Entry]:
    """Returns the runs of a pipeline, newest first."""
    pages = HERE.client("codepipeline").get_paginator("list_pipeline_executions")
    found = pages.paginate(pipelineName=pipeline, PaginationConfig={"MaxItems": _LISTED})
    listed = [
        Entry(
            str(summary["pipelineExecutionId"]),
            str(summary["status"]),
            summary.get("startTime") or _BEGINNING,
            summary.get("executionType") == "ROLLBACK",
        )
        for page in found
        for summary in page["pipelineExecutionSummaries"]
    ]
    return sorted(listed, key=lambda entry: entry.started, reverse=True)


def updated(listed: Iterable[Entry], event: Event) -> list[Entry]:
    """Returns the list with the status of an event, where the list still shows that run in progress."""
    return [
        replace(entry, status=event.status) if entry.id == event.execution and entry.status == "InProgress" else entry
        for entry in listed
    ]


def read(pipeline: str, execution: str, trigger: dict[str, Any] | None = None) -> Run:
    """Returns all details of a run that CodePipeline knows."""
    codepipeline = HERE.client("codepipeline")
    found = codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
    summary = found["pipelineExecution"]
    actions = _actions(codepipeline, pipeline, execution)
    known = {**_triggered(summary, trigger or {}), **_variables(actions)}
    failed = min((action for action in actions if action["status"] == "Failed"), key=_ended, default=None)
    result = (failed or {}).get("output", {}).get("executionResult", {})
    return Run(
        pipeline=pipeline,
        id=execution,
        link=link(pipeline, execution),
        rollback=summary.get("executionType") == "ROLLBACK",
        branch=known.get("SourceBranchName") or known.get("BranchName", ""),
        pull_request=known.get("PullRequestId", ""),
        commit=known.get("CommitId", ""),
        message=known.get("CommitMessage", ""),
        author=known.get("AuthorDisplayName", ""),
        version=known.get(os.environ.get("VERSION_VARIABLE", "RELEASE_VERSION"), ""),
        stage=failed["stageName"] if failed else "",
        action=failed["actionName"] if failed else "",
        reason=result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary", ""),
        log=result.get("externalExecutionUrl", ""),
        build=result.get("externalExecutionId", "") if _is_build(failed) else "",
        stages=_stages(actions),
    )


def _is_build(action: dict[str, Any] | None) -> bool:
    kind = (action or {}).get("input", {}).get("actionTypeId", {})
    return bool(kind.get("provider") == "CodeBuild")


def entered(pipeline: str, execution: str) -> set[str]:
    """Returns the stages that a run has entered."""
    return {action["stageName"] for action in _actions(HERE.client("codepipeline"), pipeline, execution)}


def link(pipeline: str, execution: str) -> str:
    """Returns the URL of a run's page: in AWS's console, or as the template in `RUN_URL` says."""
    template = os.environ.get("RUN_URL") or _CONSOLE
    return template.format(region=os.environ.get("AWS_REGION", ""), pipeline=pipeline, execution=execution)


def _actions(codepipeline: Any, pipeline: str, execution: str) -> list[dict[str, Any]]:
    """Returns the newest attempt of each action of a run, in the order in which they started."""
    pages = codepipeline.get_paginator("list_action_executions")
    try:
        found = [
            action
            for page in pages.paginate(pipelineName=pipeline, filter={"pipelineExecutionId": execution})
            for action in page["actionExecutionDetails"]
        ]
    except Exception as error:
        if code(error) == "PipelineExecutionNotFoundException":
            return []
        raise
    found.sort(key=lambda action: action.get("startTime") or _BEGINNING)
    return list({(action["stageName"], action["actionName"]): action for action in found}.values())


def _ended(action: dict[str, Any]) -> datetime:
    when: datetime = action.get("lastUpdateTime") or action.get("startTime") or _BEGINNING
    return when


def _variables(actions: list[dict[str, Any]]) -> dict[str, str]:
    """Returns the variables that the actions of a run exported, by name."""
    found: dict[str, str] = {}
    for action in actions:
        for name, value in (action.get("output", {}).get("outputVariables") or {}).items():
            if value:
                found.setdefault(name, value)
    return found


def _triggered(summary: dict[str, Any], trigger: dict[str, Any]) -> dict[str, str]:
    """Returns the details of a run that are known before its source action has ended."""
    known: dict[str, str] = {}
    for revision in summary.get("artifactRevisions", [])[:1]:
        known["CommitId"] = revision.get("revisionId", "")
        known["CommitMessage"] = _object(revision.get("revisionSummary", "")).get("CommitMessage", "")
    detail = _object(summary.get("trigger", {}).get("triggerDetail", ""))
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
    for action in actions:
        name, status = action["stageName"], action["status"]
        stages[name] = min(stages.get(name, status), status, key=lambda state: worst.get(state, 2))
    return tuple(stages.items())
