"""The engine without a local cloud: its behaviour after unexpected errors."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from localcloud.codepipeline import events
from localcloud.codepipeline.engine import Driver
from localcloud.codepipeline.model import Execution
from localcloud.codepipeline.run import RUNS, Run
from localcloud.codepipeline.steps import StageActions
from localcloud.codepipeline.store import INTERRUPTED, Pipeline, Store

PLACE = ("111122223333", "us-east-1")


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("run", "stage", "action"):
        monkeypatch.setattr(events, name, lambda *_: None)


def declared(*stages: str) -> dict[str, Any]:
    return {"name": "p", "version": 1, "roleArn": "r", "stages": [{"name": stage, "actions": []} for stage in stages]}


def started(store: Store, pipeline: Pipeline, number: int, mode: str = "QUEUED") -> Execution:
    execution = Execution("p", 1, pipeline.declaration, {}, number=number, mode=mode)
    pipeline.executions.append(execution)
    run = Run(store, pipeline, execution)
    RUNS[execution.id] = run
    Driver(run, rollback=lambda *_: None).start()
    return execution


def final_status(execution: Execution) -> str:
    """Waits for the end of a run and returns its status."""
    deadline = time.monotonic() + 10
    while execution.active:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return execution.status


def test_a_run_with_an_unexpected_error_fails_and_unlocks_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("out of luck")

    plain = StageActions.perform
    store, pipeline = Store(None), Pipeline(PLACE, declared("A", "B"))
    monkeypatch.setattr(StageActions, "perform", broken)
    first = started(store, pipeline, 1)
    assert final_status(first) == "Failed"
    assert "RuntimeError: out of luck" in first.summary
    assert first.stages["A"].status == "Failed"
    monkeypatch.setattr(StageActions, "perform", plain)
    assert final_status(started(store, pipeline, 2)) == "Succeeded"
    assert not any(gate.holders or gate.waiting for gate in pipeline.gates.values())
    assert not RUNS


def test_a_run_continues_if_the_disk_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    store, pipeline = Store(tmp_path / "file" / "pipelines"), Pipeline(PLACE, declared("A"))
    store.put(pipeline)
    assert final_status(started(store, pipeline, 1)) == "Succeeded"


def test_pipelines_are_read_from_disk_and_runs_in_progress_are_failed(tmp_path: Path) -> None:
    store, pipeline = Store(tmp_path), Pipeline(PLACE, declared("A"))
    store.put(pipeline)
    done = started(store, pipeline, 1)
    final_status(done)
    in_progress = Execution("p", 1, pipeline.declaration, {}, number=2)
    pipeline.executions.append(in_progress)
    store.save(pipeline, in_progress)
    after = Store(tmp_path)
    assert after.load() == 1
    found = after.get(PLACE, "p")
    assert found is not None
    assert [(execution.id, execution.status) for execution in found.executions] == [
        (done.id, "Succeeded"),
        (in_progress.id, "Failed"),
    ]
    assert found.executions[1].summary == INTERRUPTED
    assert Store(tmp_path).load() == 0


def test_an_invalid_file_is_ignored(tmp_path: Path) -> None:
    store, pipeline = Store(tmp_path), Pipeline(PLACE, declared("A"))
    store.put(pipeline)
    next(tmp_path.rglob("pipeline.json")).write_text("{", encoding="utf-8")
    after = Store(tmp_path)
    assert after.load() == 0
    assert after.pipelines == {}
