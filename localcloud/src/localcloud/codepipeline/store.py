"""The pipelines of every account and region, and their runs, in memory and on disk.

Each run is a file that is replaced atomically. The files serve only to show the runs of a process that has ended. All
other state of the local cloud, including roles and buckets, ends with the process. So a run that was in progress is
marked as failed, and nothing is started again.
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

INTERRUPTED = (
    "The local cloud was restarted during this run. Changes that the run had already made were not rolled back. Start "
    "the pipeline again."
)

logger = logging.getLogger("localcloud")

Place = tuple[str, str]
"""Account and region."""


@dataclass
class Transition:
    """The transition into a stage. Runs may enter the stage only if it is enabled."""

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
    """Client request token -> id of the execution."""
    restored: bool = False
    """True if it was read from disk. Its stack no longer exists, so a new pipeline may take over its name and runs."""

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return str(self.declaration["name"])

    @property
    def arn(self) -> str:
        """The ARN of the pipeline."""
        return f"arn:aws:codepipeline:{self.place[1]}:{self.place[0]}:{self.name}"

    def gate(self, stage: str) -> Gate:
        """Returns the entrance of a stage."""
        return self.gates.setdefault(stage, Gate())

    def transition(self, stage: str) -> Transition:
        """Returns the transition into a stage."""
        return self.transitions.setdefault(stage, Transition())

    def execution(self, identifier: str) -> Execution | None:
        """Returns a run of the pipeline, None if it does not exist."""
        return next((execution for execution in self.executions if execution.id == identifier), None)

    def latest(self, stage: str) -> Execution | None:
        """Returns the run that entered a stage last, None if no run has entered it."""
        entered = [execution for execution in self.executions if stage in execution.stages]
        return max(entered, key=lambda execution: execution.stages[stage].entered, default=None)


class Store:
    """All pipelines. Code that reads or changes them must hold `changed`, and notify it after a change."""

    def __init__(self, folder: Path | None) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.pipelines: dict[tuple[Place, str], Pipeline] = {}
        self._folder = folder

    def get(self, place: Place, name: str) -> Pipeline | None:
        """Returns a pipeline, None if it does not exist."""
        return self.pipelines.get((place, name))

    def pipelines_of(self, place: Place) -> Iterator[Pipeline]:
        """Returns the pipelines of an account and region, sorted by name."""
        return (pipeline for (its_place, _), pipeline in sorted(self.pipelines.items()) if its_place == place)

    def put(self, pipeline: Pipeline) -> None:
        """Stores a new or changed pipeline."""
        with self.changed:
            self.pipelines[pipeline.place, pipeline.name] = pipeline
            saved = {name: getattr(pipeline, name) for name in ("place", "declaration", "created", "updated", "tags")}
            transitions = {stage: asdict(transition) for stage, transition in pipeline.transitions.items()}
            self._write(self._path(pipeline) / "pipeline.json", {**saved, "transitions": transitions})
            self.changed.notify_all()

    def save(self, pipeline: Pipeline, execution: Execution) -> None:
        """Stores a changed run, unless its pipeline has been deleted."""
        with self.changed:
            execution.updated = time.time()
            if self.get(pipeline.place, pipeline.name) is pipeline:
                self._write(self._path(pipeline) / "executions" / f"{execution.id}.json", execution.to_json())
            self.changed.notify_all()

    def remove(self, pipeline: Pipeline) -> None:
        """Deletes a pipeline and its runs."""
        with self.changed:
            self.pipelines.pop((pipeline.place, pipeline.name), None)
            if self._folder is not None:
                shutil.rmtree(self._path(pipeline), ignore_errors=True)
            self.changed.notify_all()

    def clear(self) -> None:
        """Deletes all pipelines and runs."""
        with self.changed:
            self.pipelines.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self.changed.notify_all()

    def load(self) -> int:
        """Reads the files of a previous process, fails runs that were in progress, and returns their number."""
        if self._folder is None:
            return 0
        interrupted = 0
        for path in sorted(self._folder.glob("*/*/*/pipeline.json")):
            pipeline = _read(path)
            if pipeline is None:
                continue
            for execution in pipeline.executions:
                if execution.active:
                    interrupted += 1
                    fail(execution, INTERRUPTED)
            self.put(pipeline)
            for execution in pipeline.executions:
                self._write(path.parent / "executions" / f"{execution.id}.json", execution.to_json())
        return interrupted

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
        except OSError:  # the run continues; after a restart only an older state of it would be shown
            logger.exception("%s was not written", path)


def fail(execution: Execution, reason: str) -> None:
    """Marks a run, and everything that is in progress in it, as failed."""
    execution.status, execution.summary, execution.updated = model.FAILED, reason, time.time()
    for stage in execution.stages.values():
        if stage.status == model.IN_PROGRESS:
            stage.status = model.FAILED
    for action in execution.actions:
        if action.status == model.IN_PROGRESS:
            end(action, model.FAILED, reason, "JobFailed")


def end(action: ActionExecution, status: str, error: str = "", code: str = "") -> None:
    """Ends an attempt at an action."""
    action.status, action.updated = status, time.time()
    action.error, action.error_code = error[:5000], code


def _read(path: Path) -> Pipeline | None:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        transitions = {stage: Transition(**transition) for stage, transition in saved.pop("transitions").items()}
        account, region = saved.pop("place")
        pipeline = Pipeline((account, region), **saved, transitions=transitions, restored=True)
        files = path.parent.glob("executions/*.json")
        executions = [Execution.from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files]
        pipeline.executions = sorted(executions, key=lambda execution: execution.number)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return pipeline
