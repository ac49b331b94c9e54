"""The pipelines of every account and region, and their runs: in memory, and each change on disk.

A run is one file, replaced atomically. The disk is for one question only: what became of the runs when the process
died? Everything else the local cloud knew, roles and buckets too, is gone with the process, so a run that was under
way is failed with that reason, and nothing is started again.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from localcloud.codepipeline import model
from localcloud.codepipeline.model import ActionExecution, Execution
from localcloud.codepipeline.modes import Gate

LOST = "The local cloud was restarted while this ran. What it had started is not undone. Start the pipeline again."

logger = logging.getLogger("localcloud")

Place = tuple[str, str]
"""Account and region."""


@dataclass
class Transition:
    """Whether runs may pass into a stage."""

    enabled: bool = True
    reason: str = ""
    by: str = ""
    at: float = 0.0


@dataclass
class Pipeline:
    """A pipeline and all its runs."""

    place: Place
    declaration: dict[str, Any]
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    tags: dict[str, str] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    """Oldest first."""
    versions: dict[int, dict[str, Any]] = field(default_factory=dict)
    transitions: dict[str, Transition] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    """Client request token -> execution."""
    left_over: bool = False
    """Known from before a restart: its stack is gone, so a new pipeline may take its name and its history."""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.declaration["name"])

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:codepipeline:{self.place[1]}:{self.place[0]}:{self.name}"

    def gate(self, stage: str) -> Gate:
        """The entrance of a stage."""
        return self.gates.setdefault(stage, Gate())

    def transition(self, stage: str) -> Transition:
        """The transition into a stage."""
        return self.transitions.setdefault(stage, Transition())

    def execution(self, identifier: str) -> Execution | None:
        """One of its runs."""
        return next((one for one in self.executions if one.id == identifier), None)

    def latest(self, stage: str) -> Execution | None:
        """The run that entered a stage last."""
        entered = [one for one in self.executions if stage in one.stages]
        return max(entered, key=lambda one: one.stages[stage].entered, default=None)


class Store:
    """All pipelines. Whoever reads or changes them holds `changed`, and notifies it of a change."""

    def __init__(self, folder: Path | None) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.pipelines: dict[tuple[Place, str], Pipeline] = {}
        self._folder = folder

    def get(self, place: Place, name: str) -> Pipeline | None:
        """A pipeline by its name."""
        return self.pipelines.get((place, name))

    def of(self, place: Place) -> Iterator[Pipeline]:
        """Those of one account and region."""
        return (one for (where, _), one in sorted(self.pipelines.items()) if where == place)

    def put(self, pipeline: Pipeline) -> None:
        """Keep a pipeline, new or changed."""
        with self.changed:
            self.pipelines[pipeline.place, pipeline.name] = pipeline
            kept = {name: getattr(pipeline, name) for name in ("place", "declaration", "created", "updated", "tags")}
            transitions = {name: asdict(one) for name, one in pipeline.transitions.items()}
            self._write(self._path(pipeline) / "pipeline.json", {**kept, "transitions": transitions})
            self.changed.notify_all()

    def save(self, pipeline: Pipeline, execution: Execution) -> None:
        """Keep a change of a run; of a pipeline that was deleted meanwhile nothing is kept."""
        with self.changed:
            execution.updated = time.time()
            if self.get(pipeline.place, pipeline.name) is pipeline:
                self._write(self._path(pipeline) / "executions" / f"{execution.id}.json", execution.to_json())
            self.changed.notify_all()

    def remove(self, pipeline: Pipeline) -> None:
        """Forget a pipeline and its runs."""
        with self.changed:
            self.pipelines.pop((pipeline.place, pipeline.name), None)
            if self._folder is not None:
                shutil.rmtree(self._path(pipeline), ignore_errors=True)
            self.changed.notify_all()

    def clear(self) -> None:
        """Forget everything."""
        with self.changed:
            self.pipelines.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self.changed.notify_all()

    def load(self) -> int:
        """Read what a process before this one left; answers how many runs it lost."""
        if self._folder is None:
            return 0
        lost = 0
        for path in sorted(self._folder.glob("*/*/*/pipeline.json")):
            pipeline = _read(path)
            if pipeline is None:
                continue
            for execution in pipeline.executions:
                if execution.active:
                    lost += 1
                    fail(execution, LOST)
            self.put(pipeline)
            for execution in pipeline.executions:
                self._write(path.parent / "executions" / f"{execution.id}.json", execution.to_json())
        return lost

    def _path(self, pipeline: Pipeline) -> Path:
        account, region = pipeline.place
        return (self._folder or Path()) / account / region / quote(pipeline.name, safe="")

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        if self._folder is None:
            return
        fresh = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(content, default=str), encoding="utf-8")
            fresh.replace(path)
        except OSError:  # the run goes on; only what a restart would tell of it is older
            logger.exception("%s was not written", path)


def fail(execution: Execution, why: str) -> None:
    """End a run that nothing drives any more."""
    execution.status, execution.summary, execution.updated = model.FAILED, why, time.time()
    for stage in execution.stages.values():
        if stage.status == model.IN_PROGRESS:
            stage.status = model.FAILED
    for action in execution.actions:
        if action.status == model.IN_PROGRESS:
            end(action, model.FAILED, why, "JobFailed")


def end(action: ActionExecution, status: str, error: str = "", code: str = "") -> None:
    """End an attempt at an action."""
    action.status, action.updated = status, time.time()
    action.error, action.error_code = error[:5000], code


def _read(path: Path) -> Pipeline | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        transitions = {name: Transition(**one) for name, one in kept.pop("transitions").items()}
        account, region = kept.pop("place")
        pipeline = Pipeline((account, region), **kept, transitions=transitions, left_over=True)
        found = [json.loads(one.read_text(encoding="utf-8")) for one in path.parent.glob("executions/*.json")]
        pipeline.executions = sorted((Execution.of_json(one) for one in found), key=lambda one: one.number)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return pipeline
