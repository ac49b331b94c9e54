"""A pipeline's run: stages, actions, attempts, and what is known of its commit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from slipway_cli.runs.executions import WAITING, Attempt, Entry, Json
from slipway_cli.runs.state import State
from slipway_cli.texts import plain

NOT_STARTED, QUEUED = "NotStarted", "Queued"
_WORST = ("Failed", WAITING, "InProgress", "Stopping", "Abandoned", "Stopped")
_TRIGGERED = {
    "full-repository-name": "FullRepositoryName",
    "branch-name": "BranchName",
    "tag-name": "TagName",
    "pull-request-id": "PullRequestId",
    "commit-id": "CommitId",
    "commit-message": "CommitMessage",
    "author-display-name": "AuthorDisplayName",
}
"""The names of a trigger's detail, and those of the same facts among the variables of a source action."""


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
    """True if this run waits before the stage."""
    retryable: bool = False

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
        if not newest or not all(attempt.over for attempt in newest) or self.state == "InProgress":
            return None
        return max(attempt.updated for attempt in newest)


@dataclass(frozen=True)
class Run:
    """A run, stage by stage; texts of strangers are as they wrote them and may hold control characters."""

    entry: Entry
    stages: tuple[Stage, ...] = ()
    pipeline: str = ""
    mode: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    """The variables that its actions exported and its trigger set, by name."""

    @classmethod
    def of(
        cls,
        entry: Entry,
        rows: Iterable[Json] = (),
        *,
        pipeline: str = "",
        declaration: Json | None = None,
        state: Json | None = None,
        mode: str = "",
        trigger: Json | None = None,
    ) -> Run:
        """Returns a run out of its row in the list, its actions, and the pipeline's structure and state.

        Without a structure, stages and actions are in the order they began.
        """
        attempts = sorted(map(Attempt.of, rows), key=_by_time)
        stages = _stages(declaration or {}, attempts)
        if entry.rollback:  # it is of one stage; of the others nothing is to come
            stages = tuple(stage for stage in stages if stage.began is not None)
        run = cls(entry, stages, pipeline, mode)
        run = replace(run, facts=_facts(run.steps, attempts, trigger or {}))
        if not state:
            return run
        known = State.of(state)
        return replace(run, stages=tuple(_standing(stage, known, run) for stage in stages))

    @property
    def actions(self) -> tuple[Action, ...]:
        """All of them, stage by stage."""
        return tuple(action for stage in self.stages for action in stage.actions)

    @property
    def steps(self) -> tuple[Attempt, ...]:
        """The newest attempt of each action that has begun, in the order the actions began."""
        begun = sorted(
            (action for action in self.actions if action.attempts), key=lambda action: _by_time(action.attempts[0])
        )
        return tuple(action.attempts[-1] for action in begun)

    def action(self, stage: str, name: str) -> Action | None:
        """The action of that name."""
        return next((action for action in self.actions if (action.stage, action.name) == (stage, name)), None)

    def fact(self, *names: str) -> str:
        """Returns the value of the first of these variables that has one."""
        return next((self.facts[name] for name in names if self.facts.get(name)), "")

    # --- how it is ---------------------------------------------------------------------------------------------------

    @property
    def failed(self) -> tuple[Attempt, ...]:
        """Those that failed, the first one first: others fail because of it."""
        return tuple(sorted(self._in("Failed"), key=lambda step: step.updated))

    @property
    def waiting(self) -> tuple[Attempt, ...]:
        """The approvals that wait for their answer."""
        return self._in(WAITING)

    @property
    def running(self) -> tuple[Attempt, ...]:
        """The actions at work."""
        return self._in("InProgress")

    def _in(self, state: str) -> tuple[Attempt, ...]:
        return tuple(action.newest for action in self.actions if action.newest and action.state == state)

    @property
    def unfinished(self) -> tuple[Attempt, ...]:
        """The actions at work and the approvals that wait, in the order they began."""
        return tuple(step for step in self.steps if not step.over)

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
    def structure(self) -> int:
        """The version of the pipeline's structure that it began in; 0 is not known."""
        return next((step.structure for step in self.steps if step.structure), 0)

    def seconds(self, now: datetime) -> float:
        """The duration until now, or until the end."""
        entry = self.entry
        return max(((now if entry.active else entry.updated) - entry.started).total_seconds(), 0.0)

    # --- what it is of -----------------------------------------------------------------------------------------------

    @property
    def version(self) -> str:
        """E.g. 1.2.0-abc1234; empty before it was published."""
        return plain(self.fact("RELEASE_VERSION"))

    @property
    def tag(self) -> str:
        """E.g. v1.2.0-abc1234; empty before it was published."""
        return plain(self.fact("RELEASE_TAG"))

    @property
    def commit(self) -> str:
        """The commit it is of."""
        return plain(self.fact("CommitId")) or self.entry.commit

    @property
    def message(self) -> str:
        """The first line of its commit's message."""
        return self.fact("CommitMessage").strip().partition("\n")[0] or self.entry.message

    @property
    def author(self) -> str:
        """The author of the commit."""
        return self.fact("AuthorDisplayName")


# --- of answers ------------------------------------------------------------------------------------------------------


def _by_time(attempt: Attempt) -> tuple[datetime, datetime]:
    return attempt.started, attempt.updated


def _facts(newest: Iterable[Attempt], all_attempts: Iterable[Attempt], trigger: Json) -> dict[str, str]:
    """Returns what a run's actions and its trigger say of it.

    What was said first counts; but the newest attempt of an action says more than those before it, and an action more
    than the trigger.
    """
    found: dict[str, str] = {}
    for attempt in chain(newest, all_attempts):
        for name, value in attempt.variables.items():
            if value:
                found.setdefault(name, str(value))
    detail = _detail(trigger)
    for theirs, ours in _TRIGGERED.items():
        if detail.get(theirs):
            found.setdefault(ours, str(detail[theirs]))
    return found


def _detail(trigger: Json) -> Json:
    try:
        found = json.loads(trigger.get("triggerDetail", ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _stages(declaration: Json, attempts: Sequence[Attempt]) -> tuple[Stage, ...]:
    """As declared; what ran but is no longer declared comes last."""
    made: dict[tuple[str, str], tuple[Attempt, ...]] = {}
    for attempt in attempts:
        key = (attempt.stage, attempt.action)
        made[key] = (*made.get(key, ()), attempt)
    actions: dict[str, list[Action]] = {}
    for stage in declaration.get("stages") or []:
        for row in stage.get("actions") or []:
            key, kind = (str(stage["name"]), str(row["name"])), row.get("actionTypeId") or {}
            category, provider = str(kind.get("category", "")), str(kind.get("provider", ""))
            order = int(row.get("runOrder", 1))
            actions.setdefault(key[0], []).append(Action(*key, category, provider, order, made.pop(key, ())))
    for key, rest in made.items():
        order = max((action.order for action in actions.get(key[0], [])), default=0) + 1
        actions.setdefault(key[0], []).append(Action(*key, rest[0].category, rest[0].provider, order, rest))
    return tuple(Stage(name, tuple(some)) for name, some in actions.items())


def _standing(stage: Stage, known: State, run: Run) -> Stage:
    """Returns a stage of a run with what the pipeline's state says of both."""
    now, entry = known.stage(stage.name), run.entry
    if now is None:
        return stage
    retryable = (
        stage.state in {"Failed", "Abandoned"}
        and not entry.active
        and not entry.rollback
        and now.run == entry.id
        and run.structure in (0, known.structure)
    )
    queued = entry.id in now.queued and entry.active
    return replace(stage, closed=now.closed, queued=queued, retryable=retryable)
