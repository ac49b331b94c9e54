"""What CodePipeline tells of runs, stages and actions, as data; what it does not tell is an empty text.

No key of an answer is taken for granted: a run that was just started, stopped or superseded has few of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway_cli.operate.words import plain, shortened

Json = Mapping[str, Any]
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
ACTIVE = frozenset({"InProgress", "Stopping"})
OVER = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled", "Abandoned", "Skipped"})
WAITING = "Waiting"
"""The state of an approval that nobody has answered: CodePipeline says InProgress."""
_BAD = ("Failed", "Abandoned")


@dataclass(frozen=True)
class Entry:
    """A run in its pipeline's list."""

    id: str
    status: str
    started: datetime
    updated: datetime
    summary: str = ""
    rollback: bool = False
    """Whether CodePipeline made it to take a stage back; `target` is then the run it goes back to."""
    target: str = ""
    trigger: str = ""
    trigger_detail: str = ""
    commit: str = ""
    message: str = ""

    @classmethod
    def of(cls, given: Json) -> Entry:
        """Of a row of ListPipelineExecutions."""
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
            trigger_detail=plain(trigger.get("triggerDetail", "")),
            commit=str(revision.get("revisionId", "")),
            message=_message(str(revision.get("revisionSummary", ""))),
        )

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
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
    """What it made: a build, a task, a release's address."""
    url: str = ""
    """Where its log is."""
    by: str = ""
    subject: str = ""
    """The project or function that it runs."""
    asks: str = ""
    """What an approval asks."""
    look: str = ""
    """Where to look before an approval is answered."""
    region: str = ""
    structure: int = 0
    """The version of the pipeline's structure that it ran in."""
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Json) -> Attempt:
        """Of a row of ListActionExecutions."""
        asked, output = given.get("input") or {}, given.get("output") or {}
        result, kind = output.get("executionResult") or {}, asked.get("actionTypeId") or {}
        configuration = {**(asked.get("configuration") or {}), **(asked.get("resolvedConfiguration") or {})}
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
            region=str(asked.get("region", "")),
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
        """Whether it has ended."""
        return self.status in OVER

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken so far."""
        return max(((self.updated if self.over else now) - self.started).total_seconds(), 0.0)


@dataclass(frozen=True)
class Run:
    """A run with its actions, in the order they began."""

    entry: Entry
    steps: tuple[Attempt, ...] = ()

    @classmethod
    def of(cls, entry: Entry, actions: list[Json]) -> Run:
        """Of all attempts of its actions; the newest of each counts."""
        steps = sorted((Attempt.of(each) for each in actions), key=lambda step: (step.started, step.updated))
        return cls(entry, tuple({(step.stage, step.action): step for step in steps}.values()))

    def variable(self, *names: str) -> str:
        """What an action exported under the first of these names that anything was exported under."""
        for name in names:
            for step in self.steps:
                if value := step.variables.get(name):
                    return plain(value)
        return ""

    @property
    def version(self) -> str:
        """E.g. 1.2.0-abc1234; empty before it was published."""
        return self.variable("RELEASE_VERSION")

    @property
    def tag(self) -> str:
        """E.g. v1.2.0-abc1234; empty before it was published."""
        return self.variable("RELEASE_TAG")

    @property
    def commit(self) -> str:
        """The commit it is of."""
        return self.variable("CommitId") or self.entry.commit

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.tag or self.version or self.commit[:7] or self.entry.id[:8] or "unnamed"

    @property
    def about(self) -> str:
        """Where it comes from: branch or pull request, first line of the commit's message, author."""
        request = self.variable("PullRequestId")
        where = f"pull request {request}" if request else self.variable("SourceBranchName", "BranchName")
        message = _first_line(next((m for s in self.steps if (m := s.variables.get("CommitMessage"))), ""))
        author = self.variable("AuthorDisplayName")
        parts = (where, message or self.entry.message, f"by {author}" if author else "")
        return ", ".join(shortened(part, 80) for part in parts if part)

    @property
    def structure(self) -> int:
        """The version of the pipeline's structure that it began in; 0 is not known."""
        return self.steps[0].structure if self.steps else 0

    @property
    def stages(self) -> dict[str, str]:
        """Every stage it entered and how that is: the worst of its actions."""
        order = {"Failed": 0, "Abandoned": 1, "Succeeded": 3}
        found: dict[str, str] = {}
        for step in self.steps:
            worst = (found.get(step.stage, step.status), step.status)
            found[step.stage] = min(worst, key=lambda status: order.get(status, 2))
        return found

    @property
    def failed(self) -> Attempt | None:
        """The action that failed first: others fail because of it."""
        return min((step for step in self.steps if step.status == "Failed"), key=lambda s: s.updated, default=None)

    @property
    def ended_in(self) -> Attempt | None:
        """The action at which it failed or was stopped."""
        left = [step for step in self.steps if step.status == "Abandoned"]
        return self.failed or min(left, key=lambda step: step.updated, default=None)

    @property
    def running(self) -> tuple[Attempt, ...]:
        """The actions in progress."""
        return tuple(step for step in self.steps if step.status not in (*_BAD, "Succeeded"))


@dataclass(frozen=True)
class Waiting:
    """An approval that waits for its answer."""

    pipeline: str
    flow: str
    stage: str
    action: str
    token: str
    run: str

    @property
    def name(self) -> str:
        """Stage and action."""
        return f"{self.stage}/{self.action}"


@dataclass(frozen=True)
class StageState:
    """A stage as GetPipelineState shows it."""

    name: str
    run: str
    """The newest run in it."""
    status: str
    rollback: bool
    queued: tuple[str, ...]
    """The runs that wait before it."""
    closed: str
    """Why no run may enter it; empty while runs may."""

    @classmethod
    def of(cls, given: Json) -> StageState:
        """Of one of `stageStates`."""
        latest, door = given.get("latestExecution") or {}, given.get("inboundTransitionState") or {}
        before = given.get("inboundExecutions") or [each for each in [given.get("inboundExecution")] if each]
        closed = "" if door.get("enabled", True) else plain(door.get("disabledReason") or "no reason given")
        return cls(
            name=str(given.get("stageName", "?")),
            run=str(latest.get("pipelineExecutionId", "")),
            status=str(latest.get("status", "")),
            rollback=latest.get("type") == "ROLLBACK",
            queued=tuple(str(each.get("pipelineExecutionId", "")) for each in before),
            closed=closed,
        )


@dataclass(frozen=True)
class State:
    """A pipeline as GetPipelineState shows it."""

    structure: int
    stages: tuple[StageState, ...]
    waiting: tuple[Waiting, ...]

    @classmethod
    def of(cls, flow: str, pipeline: str, given: Json) -> State:
        """Of an answer of GetPipelineState."""
        stages = given.get("stageStates") or []
        waiting = [
            Waiting(
                pipeline,
                flow,
                str(stage.get("stageName", "?")),
                str(action.get("actionName", "?")),
                str(action["latestExecution"]["token"]),
                str((stage.get("latestExecution") or {}).get("pipelineExecutionId", "")),
            )
            for stage in stages
            for action in stage.get("actionStates") or []
            if (action.get("latestExecution") or {}).get("token")  # only an open approval has one
            and action["latestExecution"].get("status") == "InProgress"
        ]
        return cls(int(given.get("pipelineVersion", 0)), tuple(map(StageState.of, stages)), tuple(waiting))

    def stage(self, name: str) -> StageState | None:
        """The stage of that name."""
        return next((stage for stage in self.stages if stage.name == name), None)


def _message(summary: str) -> str:
    """The commit's message out of a revision's summary, which is JSON for repositories behind a connection."""
    try:
        given = json.loads(summary)
    except (ValueError, RecursionError):
        return _first_line(summary)
    return _first_line(str(given.get("CommitMessage", ""))) if isinstance(given, dict) else _first_line(summary)


def _first_line(text: str) -> str:
    return plain(text.strip().partition("\n")[0])
