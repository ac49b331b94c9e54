"""The data of a pipeline's run: plain data classes, which the store writes to disk as JSON."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

Declaration = dict[str, Any]

IN_PROGRESS = "InProgress"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
STOPPING = "Stopping"
STOPPED = "Stopped"
SUPERSEDED = "Superseded"
CANCELLED = "Cancelled"
ABANDONED = "Abandoned"
SKIPPED = "Skipped"

BEFORE_ENTRY = "BEFORE_ENTRY"
ON_SUCCESS = "ON_SUCCESS"
ON_FAILURE = "ON_FAILURE"

STANDARD = "STANDARD"
ROLLBACK = "ROLLBACK"


def new_id() -> str:
    """Returns a new id for an execution, action execution, job or approval."""
    return str(uuid.uuid4())


@dataclass
class Artifact:
    """A zip archive in the artifact store."""

    name: str
    bucket: str
    key: str
    revision: str = ""


@dataclass
class ActionExecution:
    """One attempt to perform an action."""

    stage: str
    action: str
    declaration: Declaration
    id: str = field(default_factory=new_id)
    status: str = IN_PROGRESS
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    resolved: dict[str, str] = field(default_factory=dict)
    role: str = ""
    inputs: list[Artifact] = field(default_factory=list)
    outputs: list[Artifact] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    external_id: str = ""
    external_url: str = ""
    error_code: str = ""
    error: str = ""
    token: str = ""
    """The token of an approval. It is kept after the answer: a second answer gets another error than a wrong token."""
    approval: dict[str, str] = field(default_factory=dict)
    updated_by: str = ""


@dataclass
class RuleExecution:
    """One evaluation of a rule."""

    stage: str
    condition: str
    rule: str
    declaration: Declaration
    id: str = field(default_factory=new_id)
    status: str = IN_PROGRESS
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    resolved: dict[str, str] = field(default_factory=dict)
    role: str = ""
    summary: str = ""
    external_id: str = ""
    error_code: str = ""
    error: str = ""


@dataclass
class ConditionState:
    """The state of a condition of a stage."""

    status: str
    summary: str = ""
    updated: float = field(default_factory=time.time)


@dataclass
class StageExecution:
    """The execution of one stage in a run, including its retries."""

    name: str
    status: str = IN_PROGRESS
    entered: float = field(default_factory=time.time)
    attempt: int = 1
    conditions: dict[str, ConditionState] = field(default_factory=dict)
    automatic_retries: int = 0
    manual_retries: int = 0
    retried_by: str = ""


@dataclass
class Execution:
    """One run of a pipeline (AWS: pipeline execution)."""

    pipeline: str
    version: int
    declaration: Declaration
    trigger: dict[str, str]
    id: str = field(default_factory=new_id)
    status: str = IN_PROGRESS
    summary: str = ""
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    number: int = 0
    mode: str = "SUPERSEDED"
    kind: str = STANDARD
    attempt: int = 1
    rollback_target: str = ""
    stop_reason: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    sources: dict[str, dict[str, str]] = field(default_factory=dict)
    """By source action: the commit to use, and the output variables that the trigger provides."""
    event: dict[str, str] = field(default_factory=dict)
    """Details of the trigger, for the events that EventBridge gets."""
    revisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Output variables of actions, by namespace."""
    stages: dict[str, StageExecution] = field(default_factory=dict)
    actions: list[ActionExecution] = field(default_factory=list)
    rules: list[RuleExecution] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """True if the run has not ended."""
        return self.status in {IN_PROGRESS, STOPPING}

    def stage(self, name: str) -> Declaration:
        """Returns the declaration of a stage."""
        return next(stage for stage in self.declaration["stages"] if stage["name"] == name)

    def last(self, stage: str, action: str) -> ActionExecution | None:
        """Returns the newest attempt at an action; None if there is none."""
        attempts = (attempt for attempt in reversed(self.actions) if (attempt.stage, attempt.action) == (stage, action))
        return next(attempts, None)

    def to_json(self) -> dict[str, Any]:
        """Returns the run as data for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Execution:
        """Restores a run from the data of `to_json`."""
        stages = {name: _stage(stage) for name, stage in data.pop("stages").items()}
        artifacts = {name: Artifact(**artifact) for name, artifact in data.pop("artifacts").items()}
        actions = [_action(action) for action in data.pop("actions")]
        rules = [RuleExecution(**rule) for rule in data.pop("rules")]
        return cls(**data, stages=stages, artifacts=artifacts, actions=actions, rules=rules)


def _stage(data: dict[str, Any]) -> StageExecution:
    conditions = {name: ConditionState(**state) for name, state in data.pop("conditions").items()}
    return StageExecution(**data, conditions=conditions)


def _action(data: dict[str, Any]) -> ActionExecution:
    inputs = [Artifact(**artifact) for artifact in data.pop("inputs")]
    outputs = [Artifact(**artifact) for artifact in data.pop("outputs")]
    return ActionExecution(**data, inputs=inputs, outputs=outputs)
