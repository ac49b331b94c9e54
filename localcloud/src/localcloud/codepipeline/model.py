"""What is kept of a pipeline and its runs. Plain data, so that it can be written to disk as it is."""

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
    """The id of an execution, action execution, job or approval."""
    return str(uuid.uuid4())


@dataclass
class Artifact:
    """A zip in the artifact store."""

    name: str
    bucket: str
    key: str
    revision: str = ""


@dataclass
class ActionExecution:
    """One attempt at one action."""

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
    """Of an approval; it stays known after the approval, to tell a second answer from a wrong one."""
    approval: dict[str, str] = field(default_factory=dict)
    updated_by: str = ""


@dataclass
class RuleExecution:
    """One evaluation of one rule."""

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
    """How the condition of a stage stands."""

    status: str
    summary: str = ""
    updated: float = field(default_factory=time.time)


@dataclass
class StageExecution:
    """A run in one stage, over all its attempts."""

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
    """One run of a pipeline."""

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
    """By source action: the commit it was started with, and what the trigger knew of it."""
    event: dict[str, str] = field(default_factory=dict)
    """What EventBridge is told of the trigger."""
    revisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """By namespace."""
    stages: dict[str, StageExecution] = field(default_factory=dict)
    actions: list[ActionExecution] = field(default_factory=list)
    rules: list[RuleExecution] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """Whether it is not over."""
        return self.status in {IN_PROGRESS, STOPPING}

    def stage(self, name: str) -> Declaration:
        """The declaration of one of its stages."""
        return next(stage for stage in self.declaration["stages"] if stage["name"] == name)

    def last(self, stage: str, action: str) -> ActionExecution | None:
        """The newest attempt at an action."""
        found = (one for one in reversed(self.actions) if one.stage == stage and one.action == action)
        return next(found, None)

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> Execution:
        """What `to_json` wrote."""
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
