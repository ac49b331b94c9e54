"""`slipway open` forwards a port through a session with the newest task of a service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from products import load
from slipway_cli import choice
from tests.slipway_cli.operate.playing import play
from tests.support.fake_codepipeline import FakeCodePipeline

TASK = "arn:aws:ecs:us-east-1:555566667777:task/production-showcase-cluster/0f1e2d3c"


@pytest.fixture(name="showcase")
def _showcase(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> FakeCodePipeline:
    """The cloud, in which one task of Prometheus runs in production."""
    product = load("showcase")
    account = {part: load("allthrive").tooling.account for part in ("account",)}
    environments = {name: found.model_copy(update=account) for name, found in product.environments.items()}
    monkeypatch.setattr(choice, "loaded", lambda _: product.model_copy(update={"environments": environments}))
    task = {
        "taskArn": TASK,
        "lastStatus": "RUNNING",
        "containers": [{"name": "prometheus", "runtimeId": "0f1e2d3c-42"}],
    }
    cloud.on("ecs.ListTasks", lambda given: {"taskArns": [TASK] if "production" in given["serviceName"] else []})
    cloud.on("ecs.DescribeTasks", lambda _: {"tasks": [task]})
    return cloud


@pytest.fixture(name="programs")
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An AWS CLI that writes down its arguments and ends with 7, beside the plugin."""
    for name in ("aws", "session-manager-plugin"):
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/given\nexit 7\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def typed(programs: Path) -> list[str]:
    return (programs / "given").read_text().splitlines()


@pytest.mark.parametrize(
    ("options", "here"), [((), "9090"), (("production",), "9090"), (("production", "--port", "9191"), "9191")]
)
def test_the_port_of_the_last_environment_is_forwarded_through_the_newest_task(
    showcase: FakeCodePipeline, programs: Path, options: tuple[str, ...], here: str
) -> None:
    played = play("open", "prometheus", *options)

    words = typed(programs)
    assert played.code == 7  # the AWS CLI's
    assert words[words.index("--target") + 1] == "ecs:production-showcase-cluster_0f1e2d3c_0f1e2d3c-42"
    assert words[words.index("--document-name") + 1] == "AWS-StartPortForwardingSession"
    parameters: Any = json.loads(words[words.index("--parameters") + 1])
    assert parameters == {"portNumber": ["9090"], "localPortNumber": [here]}
    assert f"http://localhost:{here}/" in played.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("prometheus", "staging"), "no task of staging-showcase-prometheus is running"),
        (("backend",), "services.backend allows no sessions: write shell_access: true in the manifest"),
        (("promtheus",), "no service 'promtheus' in showcase; did you mean 'prometheus'?"),
        (("prometheus", "prod"), "no environment 'prod' in showcase; did you mean"),
    ],
)
def test_what_cannot_be_opened_is_said_with_what_to_do(
    showcase: FakeCodePipeline, programs: Path, words: tuple[str, ...], message: str
) -> None:
    played = play("open", *words)

    assert played.code != 0
    assert message in played.err
    assert "next: " in played.err
