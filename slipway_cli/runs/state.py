"""The current state of a pipeline's stages, from GetPipelineState."""

from __future__ import annotations

from dataclasses import dataclass

from slipway_cli.runs.executions import Json
from slipway_cli.texts import plain


@dataclass(frozen=True)
class Waiting:
    """An approval that waits for its answer."""

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
        """Returns a stage out of an element of `stageStates`."""
        latest, door = given.get("latestExecution") or {}, given.get("inboundTransitionState") or {}
        before = given.get("inboundExecutions") or [row for row in [given.get("inboundExecution")] if row]
        closed = "" if door.get("enabled", True) else plain(door.get("disabledReason") or "no reason given")
        return cls(
            name=str(given.get("stageName", "?")),
            run=str(latest.get("pipelineExecutionId", "")),
            status=str(latest.get("status", "")),
            rollback=latest.get("type") == "ROLLBACK",
            queued=tuple(str(row.get("pipelineExecutionId", "")) for row in before),
            closed=closed,
        )


@dataclass(frozen=True)
class State:
    """A pipeline as GetPipelineState shows it."""

    structure: int
    stages: tuple[StageState, ...]
    waiting: tuple[Waiting, ...]

    @classmethod
    def of(cls, given: Json) -> State:
        """Returns a pipeline's state out of an answer of GetPipelineState."""
        stages = given.get("stageStates") or []
        waiting = [
            Waiting(
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
