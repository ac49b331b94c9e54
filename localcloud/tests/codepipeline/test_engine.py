"""The engine without a cloud: what must hold even when something breaks."""

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
from localcloud.codepipeline.store import LOST, Pipeline, Store

PLACE = ("111122223333", "us-east-1")


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("run", "stage", "action"):
        monkeypatch.setattr(events, name, lambda *_: None)


def declared(*stages: str) -> dict[str, Any]:
    return {"name": "p", "version": 1, "roleArn": "r", "stages": [{"name": one, "actions": []} for one in stages]}


def started(store: Store, pipeline: Pipeline, number: int, mode: str = "QUEUED") -> Execution:
    execution = Execution("p", 1, pipeline.declaration, {}, number=number, mode=mode)
    pipeline.executions.append(execution)
    run = Run(store, pipeline, execution)
    RUNS[execution.id] = run
    Driver(run, rollback=lambda *_: None).start()
    return execution


def over(execution: Execution) -> str:
    deadline = time.monotonic() + 10
    while execution.active:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return execution.status


def test_a_run_that_breaks_is_failed_and_unlocks_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("out of luck")

    plain = StageActions.perform
    store, pipeline = Store(None), Pipeline(PLACE, declared("A", "B"))
    monkeypatch.setattr(StageActions, "perform", broken)
    first = started(store, pipeline, 1)
    assert over(first) == "Failed"
    assert "RuntimeError: out of luck" in first.summary
    assert first.stages["A"].status == "Failed"
    monkeypatch.setattr(StageActions, "perform", plain)
    assert over(started(store, pipeline, 2)) == "Succeeded"
    assert not any(gate.holders or gate.waiting for gate in pipeline.gates.values())
    assert not RUNS


def test_a_disk_that_takes_nothing_does_not_end_a_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    store, pipeline = Store(tmp_path / "file" / "pipelines"), Pipeline(PLACE, declared("A"))
    store.put(pipeline)
    assert over(started(store, pipeline, 1)) == "Succeeded"


def test_what_was_kept_is_read_again_and_runs_under_way_are_lost(tmp_path: Path) -> None:
    store, pipeline = Store(tmp_path), Pipeline(PLACE, declared("A"))
    store.put(pipeline)
    done = started(store, pipeline, 1)
    over(done)
    under_way = Execution("p", 1, pipeline.declaration, {}, number=2)
    pipeline.executions.append(under_way)
    store.save(pipeline, under_way)
    after = Store(tmp_path)
    assert after.load() == 1
    found = after.get(PLACE, "p")
    assert found is not None
    assert [(one.id, one.status) for one in found.executions] == [(done.id, "Succeeded"), (under_way.id, "Failed")]
    assert found.executions[1].summary == LOST
    assert Store(tmp_path).load() == 0


def test_a_file_nobody_can_read_is_left_out(tmp_path: Path) -> None:
    store, pipeline = Store(tmp_path), Pipeline(PLACE, declared("A"))
    store.put(pipeline)
    next(tmp_path.rglob("pipeline.json")).write_text("{", encoding="utf-8")
    after = Store(tmp_path)
    assert after.load() == 0
    assert after.pipelines == {}
