"""A local cloud that is killed: its runs fail with this reason, and nothing is started twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.pipelines import World, approval, stage, until
from localcloud.testing.plain import Plain, free_port, unique

pytestmark = pytest.mark.local


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    chosen = Settings(port=free_port(), state=tmp_path / "cloud", docker=False)
    process.start(chosen)
    yield chosen
    process.stop(chosen)


def kill(settings: Settings) -> None:
    pid = process.running(settings)
    assert pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert process.running(settings) is None


def test_after_kill_9_a_run_has_failed_and_its_summary_names_the_reason(settings: Settings, tmp_path: Path) -> None:
    world = World(Plain(settings.port, settings.state), tmp_path)
    name = world.quiet(
        stage("Work", world.job("Silent", {"silent": True})), stage("After", approval()), name=unique("p")
    )
    good = world.executions(name)[0]
    run = world.start(name)
    until("the action starts", lambda: "Silent" in world.actions(name, run))
    kill(settings)
    process.start(settings)
    after = world.execution(name, run)
    assert after["status"] == "Failed"
    assert "local cloud was restarted" in after["statusSummary"]
    assert "local cloud was restarted" in world.error(name, run, "Silent")["message"]
    assert world.attempts(name, run, "Silent") == 1
    assert world.execution(name, good["pipelineExecutionId"])["status"] == good["status"]
    again = World(Plain(settings.port, settings.state), tmp_path / "again")
    declaration = again.declare(stage("Approve", approval()), name=name)
    assert again.api.create_pipeline(pipeline=declaration)["pipeline"]["version"] > 1
    assert run in {execution["pipelineExecutionId"] for execution in again.executions(name)}
    again.answer(name)


def test_a_reset_deletes_pipelines_also_on_disk(settings: Settings, tmp_path: Path) -> None:
    world = World(Plain(settings.port, settings.state), tmp_path)
    name = world.quiet(stage("Approve", approval()))
    world.start(name)
    world.token(name)
    assert process.reset(settings)
    assert world.api.list_pipelines()["pipelines"] == []
    assert list((settings.state / "pipelines").rglob("*.json")) == []
