"""One model of a pipeline's run, read from CodePipeline's answers. Nothing here asks anybody."""

from __future__ import annotations

from slipway_cli.runs.executions import BEGINNING, WAITING, Attempt, Entry
from slipway_cli.runs.model import NOT_STARTED, QUEUED, Action, Run, Stage
from slipway_cli.runs.state import StageState, State, Waiting

__all__ = [
    "BEGINNING",
    "NOT_STARTED",
    "QUEUED",
    "WAITING",
    "Action",
    "Attempt",
    "Entry",
    "Run",
    "Stage",
    "StageState",
    "State",
    "Waiting",
]
