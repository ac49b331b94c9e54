"""A run and an attempt at an action, as CodePipeline lists them; what it does not tell is an empty text.

No key of an answer is taken for granted: a run that was just started, stopped or superseded has few of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway_cli.texts import plain

Json = Mapping[str, Any]
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
ACTIVE = frozenset({"InProgress", "Stopping"})
OVER = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled", "Abandoned", "Skipped"})
WAITING = "Waiting"
"""The state of an approval that nobody has answered: CodePipeline says InProgress."""


@dataclass(frozen=True)
class Entry:
    """A run in its pipeline's list."""

    id: str
    status: str
    started: datetime
    updated: datetime
    summary: str = ""
    rollback: bool = False
    """True if CodePipeline started it to roll a stage back; `target` is then the run it restores."""
    target: str = ""
    trigger: str = ""
    commit: str = ""
    message: str = ""

    @classmethod
    def of(cls, given: Json) -> Entry:
        """Returns a run out of a row of ListPipelineExecutions."""
        trigger = given.get("trigger") or {}
        revision: Json = next(iter(given.get("sourceRevisions") or []), {})
        return cls(
            id=str(given.get("pipelineExecutionId", "")),
            status=str(given.get("status", "unknown")),
            started=given.get("startTime") or given.get("lastUpdateTime") or BEGINNING,
            updated=given.get("lastUpdateTime") or given.get("startTime") or BEGINNING,
            summary=plain(given.get("statusSummary") or (given.get("stopTrigger") or {}).get("reason") or ""),
            rollback=given.get("executionType") == "ROLLBACK",
            target=str((given.get("rollbackMetadata") or {}).get("rollbackTargetPipelineExecutionId", "")),
            trigger=str(trigger.get("triggerType", "")),
            commit=str(revision.get("revisionId", "")),
            message=_message(str(revision.get("revisionSummary", ""))),
        )

    @classmethod
    def of_execution(cls, execution: Json, attempts: Sequence[Attempt] = ()) -> Entry:
        """Returns a run out of GetPipelineExecution, which tells no times: they are those of its actions."""
        known = [attempt for attempt in attempts if attempt.started != BEGINNING]
        times = {
            "startTime": min((attempt.started for attempt in known), default=None),
            "lastUpdateTime": max((attempt.updated for attempt in known), default=None),
        }
        return cls.of({**execution, **times, "sourceRevisions": execution.get("artifactRevisions") or []})

    @property
    def active(self) -> bool:
        """True if it has not ended."""
        return self.status in ACTIVE


@dataclass(frozen=True)
class Attempt:
    """One attempt at an action; its texts are strangers' and may hold control characters."""

    stage: str
    action: str
    status: str
    started: datetime
    updated: datetime
    category: str = ""
    id: str = ""
    provider: str = ""
    summary: str = ""
    reason: str = ""
    """Why it failed, in full."""
    reference: str = ""
    """The id or address of its result: a build, a task, a release."""
    url: str = ""
    """The address of its log."""
    by: str = ""
    subject: str = ""
    """The project or function that it runs."""
    asks: str = ""
    """The question of an approval."""
    look: str = ""
    """The address to review before an approval is answered."""
    region: str = ""
    structure: int = 0
    """The version of the pipeline's structure that it ran in."""
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Json) -> Attempt:
        """Returns an attempt out of a row of ListActionExecutions."""
        request, output = given.get("input") or {}, given.get("output") or {}
        result, kind = output.get("executionResult") or {}, request.get("actionTypeId") or {}
        configuration = {**(request.get("configuration") or {}), **(request.get("resolvedConfiguration") or {})}
        return cls(
            stage=str(given.get("stageName", "?")),
            action=str(given.get("actionName", "?")),
            status=str(given.get("status", "unknown")),
            started=given.get("startTime") or given.get("lastUpdateTime") or BEGINNING,
            updated=given.get("lastUpdateTime") or given.get("startTime") or BEGINNING,
            category=str(kind.get("category", "")),
            id=str(given.get("actionExecutionId", "")),
            provider=str(kind.get("provider", "")),
            summary=str(result.get("externalExecutionSummary", "")),
            reason=str((result.get("errorDetails") or {}).get("message", "")),
            reference=str(result.get("externalExecutionId", "")),
            url=str(result.get("externalExecutionUrl", "")),
            by=str(given.get("updatedBy", "")),
            subject=str(configuration.get("ProjectName") or configuration.get("FunctionName") or ""),
            asks=str(configuration.get("CustomData", "")),
            look=str(configuration.get("ExternalEntityLink", "")),
            region=str(request.get("region", "")),
            structure=int(given.get("pipelineVersion", 0)),
            variables=output.get("outputVariables") or {},
        )

    @property
    def name(self) -> str:
        """Stage and action."""
        return f"{self.stage}/{self.action}"

    @property
    def state(self) -> str:
        """Its status; an approval in progress waits."""
        return WAITING if self.status == "InProgress" and self.category == "Approval" else self.status

    @property
    def over(self) -> bool:
        """True if it has ended."""
        return self.status in OVER

    def seconds(self, now: datetime) -> float:
        """The duration until now, or until the end."""
        return max(((self.updated if self.over else now) - self.started).total_seconds(), 0.0)


def _message(summary: str) -> str:
    """The commit's message out of a revision's summary, which is JSON for repositories behind a connection."""
    try:
        given = json.loads(summary)
    except (ValueError, RecursionError):
        return _first_line(summary)
    return _first_line(str(given.get("CommitMessage", ""))) if isinstance(given, dict) else _first_line(summary)


def _first_line(text: str) -> str:
    return plain(text.strip().partition("\n")[0])
