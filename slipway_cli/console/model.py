"""A pipeline's run as CodePipeline's answers tell it: stages, actions, attempts. Nothing here asks anybody.

No key of an answer is taken for granted: a run that was just started, stopped or superseded has few of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway_cli.operate.runs import BEGINNING, WAITING, Attempt, Entry, StageState, State
from slipway_cli.timing import Timing, timing

Json = Mapping[str, Any]

NOT_STARTED, QUEUED = "NotStarted", "Queued"
_WORST = ("Failed", WAITING, "InProgress", "Stopping", "Abandoned", "Stopped")
_URL = ("https://", "http://")


@dataclass(frozen=True)
class Action:
    """An action of a stage, and what a run made of it."""

    stage: str
    name: str
    category: str = ""
    provider: str = ""
    order: int = 1
    attempts: tuple[Attempt, ...] = ()
    """In the order they began."""

    @property
    def newest(self) -> Attempt | None:
        """The attempt that counts."""
        return self.attempts[-1] if self.attempts else None

    @property
    def state(self) -> str:
        """That of its newest attempt."""
        return self.newest.state if self.newest else NOT_STARTED

    @property
    def label(self) -> str:
        """Stage and action."""
        return f"{self.stage}/{self.name}"


@dataclass(frozen=True)
class Stage:
    """A stage, and what a run made of it."""

    name: str
    actions: tuple[Action, ...]
    closed: str = ""
    """Why no run may enter it; empty while runs may."""
    queued: bool = False
    """Whether this run waits before it."""
    retryable: bool = False

    @property
    def rows(self) -> list[tuple[Action, ...]]:
        """Its actions by run order: those of a row run side by side."""
        orders = sorted({action.order for action in self.actions})
        return [tuple(action for action in self.actions if action.order == order) for order in orders]

    @property
    def state(self) -> str:
        """The worst of its actions; a stage that some actions are still to begin in is in progress."""
        states = {action.state for action in self.actions}
        if worst := next((state for state in _WORST if state in states), ""):
            return worst
        if states == {NOT_STARTED}:
            return QUEUED if self.queued else NOT_STARTED
        return "InProgress" if NOT_STARTED in states else "Succeeded"

    @property
    def began(self) -> datetime | None:
        """When its first action began."""
        found = [action.attempts[0].started for action in self.actions if action.attempts]
        return min(found, default=None)

    @property
    def ended(self) -> datetime | None:
        """When its last action ended; None while one runs."""
        newest = [action.newest for action in self.actions if action.newest]
        if not newest or not all(each.over for each in newest) or self.state == "InProgress":
            return None
        return max(each.updated for each in newest)


@dataclass(frozen=True)
class Run:
    """A run, stage by stage."""

    pipeline: str
    entry: Entry
    stages: tuple[Stage, ...] = ()
    mode: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What its trigger and its actions say of it, by the name of the variable."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """All of them, stage by stage."""
        return tuple(action for stage in self.stages for action in stage.actions)

    def action(self, stage: str, name: str) -> Action | None:
        """The action of that name."""
        return next((each for each in self.actions if (each.stage, each.name) == (stage, name)), None)

    @property
    def failed(self) -> tuple[Action, ...]:
        """Those that failed, the first one first: others fail because of it."""
        found = [(each.newest.updated, each) for each in self.actions if each.newest and each.state == "Failed"]
        return tuple(each for _, each in sorted(found, key=lambda pair: pair[0]))

    @property
    def waiting(self) -> tuple[Action, ...]:
        """The approvals that wait for their answer."""
        return tuple(each for each in self.actions if each.state == WAITING)

    @property
    def running(self) -> tuple[Action, ...]:
        """The actions at work."""
        return tuple(each for each in self.actions if each.state == "InProgress")

    @property
    def state(self) -> str:
        """Its status; one that does nothing but wait for a person says so."""
        if self.entry.status != "InProgress":
            return self.entry.status
        if self.waiting and not self.running:
            return WAITING
        queued = any(stage.state == QUEUED for stage in self.stages)
        return QUEUED if queued and not self.running else "InProgress"

    @property
    def branch(self) -> str:
        """Branch, tag or pull request."""
        known = self.facts
        if known.get("PullRequestId"):
            return (
                f"pull request {known['PullRequestId']}: {known.get('SourceBranchName') or known.get('BranchName', '')}"
            )
        return known.get("BranchName") or known.get("TagName", "")

    @property
    def commit(self) -> str:
        """The commit it is of."""
        return self.facts.get("CommitId") or self.entry.commit

    @property
    def message(self) -> str:
        """The first line of its commit's message."""
        return self.facts.get("CommitMessage", "").strip().partition("\n")[0] or self.entry.message

    @property
    def author(self) -> str:
        """Who wrote the commit."""
        return self.facts.get("AuthorDisplayName", "")

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return self.facts.get("FullRepositoryName", "")

    @property
    def environments(self) -> tuple[tuple[str, str], ...]:
        """Stages and the addresses that their actions told as `Url`."""
        found = {each.stage: _exported(each, "Url") for each in self.actions if _exported(each, "Url").startswith(_URL)}
        return tuple(found.items())

    @property
    def release(self) -> str:
        """The address of the release's page, once it is published."""
        references = (each.newest.reference for each in self.actions if each.newest and each.state == "Succeeded")
        return next((one for one in references if one.startswith(_URL) and "/releases/tag/" in one), "")

    @property
    def version(self) -> str:
        """The release it builds."""
        return self.facts.get("RELEASE_TAG") or self.facts.get("RELEASE_VERSION", "")

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken so far."""
        entry = self.entry
        return max(((now if entry.active else entry.updated) - entry.started).total_seconds(), 0.0)

    def timing(self, now: datetime) -> Timing[Action]:
        """Where its time went; of an action tried again its newest attempt counts."""
        rows = (
            [(action, action.newest.started, action.newest.seconds(now)) for action in row if action.newest]
            for stage in self.stages
            for row in stage.rows
        )
        return timing(rows, began=self.entry.started, total=self.seconds(now))


def _exported(action: Action, name: str) -> str:
    return str(action.newest.variables.get(name, "")) if action.newest else ""


# --- of answers ------------------------------------------------------------------------------------------------------


def run_of(
    pipeline: str,
    entry: Entry,
    *,
    rows: Iterable[Json] = (),
    declaration: Json | None = None,
    state: Json | None = None,
    mode: str = "",
    trigger: Json | None = None,
) -> Run:
    """A run out of its row in the list, its actions, the pipeline's structure and state."""
    listed = sorted(rows, key=lambda row: row.get("startTime") or BEGINNING)
    stages = _stages(declaration or {}, listed)
    if entry.rollback:  # it is of one stage; of the others nothing is to come
        stages = tuple(stage for stage in stages if stage.began is not None)
    known = State.of("", pipeline, state) if state else State(0, (), ())
    structure = max((int(row.get("pipelineVersion", 0)) for row in listed), default=0)
    standing = tuple(_standing(stage, known, entry, structure) for stage in stages)
    return Run(pipeline, entry, standing, mode, facts(listed, trigger or {}))


def entry_of(execution: Json, rows: Sequence[Json]) -> Entry:
    """A run's row in the list, out of GetPipelineExecution and its actions: for a run too old to be listed first."""
    began = [row["startTime"] for row in rows if row.get("startTime")]
    ended = [row["lastUpdateTime"] for row in rows if row.get("lastUpdateTime")]
    times = {"startTime": min(began, default=None), "lastUpdateTime": max(ended, default=None)}
    return Entry.of({**execution, **times, "sourceRevisions": execution.get("artifactRevisions") or []})


def facts(rows: Iterable[Json], trigger: Json) -> dict[str, str]:
    """What the trigger and the actions' output variables say of a run; what was said first counts."""
    found: dict[str, str] = {}
    for row in rows:
        for name, value in ((row.get("output") or {}).get("outputVariables") or {}).items():
            if value:
                found.setdefault(name, str(value))
    for theirs, ours in _TRIGGERED.items():
        if value := _detail(trigger).get(theirs):
            found.setdefault(ours, str(value))
    return found


_TRIGGERED = {
    "full-repository-name": "FullRepositoryName",
    "branch-name": "BranchName",
    "tag-name": "TagName",
    "pull-request-id": "PullRequestId",
    "commit-id": "CommitId",
    "commit-message": "CommitMessage",
    "author-display-name": "AuthorDisplayName",
}


def _detail(trigger: Json) -> Json:
    try:
        found = json.loads(trigger.get("triggerDetail", ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _stages(declaration: Json, rows: Sequence[Json]) -> tuple[Stage, ...]:
    """As declared; what ran but is no longer declared comes last."""
    attempts: dict[tuple[str, str], list[Attempt]] = {}
    for row in rows:
        key = (str(row.get("stageName", "?")), str(row.get("actionName", "?")))
        attempts.setdefault(key, []).append(Attempt.of(row))
    actions: dict[str, list[Action]] = {}
    for stage in declaration.get("stages") or []:
        for each in stage.get("actions") or []:
            key, kind = (str(stage["name"]), str(each["name"])), each.get("actionTypeId") or {}
            made = tuple(attempts.pop(key, ()))
            category, provider = str(kind.get("category", "")), str(kind.get("provider", ""))
            actions.setdefault(key[0], []).append(Action(*key, category, provider, int(each.get("runOrder", 1)), made))
    for key, rest in attempts.items():
        order = max((each.order for each in actions.get(key[0], [])), default=0) + 1
        made = tuple(rest)
        actions.setdefault(key[0], []).append(Action(*key, made[0].category, made[0].provider, order, made))
    return tuple(Stage(name, tuple(some)) for name, some in actions.items())


def _standing(stage: Stage, known: State, entry: Entry, structure: int) -> Stage:
    now = known.stage(stage.name)
    if now is None:
        return stage
    retryable = (
        stage.state in {"Failed", "Abandoned"}
        and not entry.active
        and not entry.rollback
        and now.run == entry.id
        and structure in (0, known.structure)
    )
    return Stage(stage.name, stage.actions, now.closed, _before(now, entry), retryable)


def _before(now: StageState, entry: Entry) -> bool:
    return entry.id in now.queued and entry.active
