"""`slipway logs` and `slipway exec`, on CloudWatch Logs and ECS in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.slipway_cli.operate.playing import play
from tests.support.fake_aws import Refused
from tests.support.fake_codepipeline import FakeCodePipeline

STREAM = "web/web/0123456789abcdef"


def event(number: int, when: float, message: str) -> dict[str, Any]:
    return {"eventId": str(number), "timestamp": int(when * 1000), "logStreamName": STREAM, "message": message}


def test_the_time_is_how_far_back_the_log_is_read(cloud: FakeCodePipeline) -> None:
    requests = []

    def events(given: dict[str, Any]) -> dict[str, Any]:
        requests.append(given)
        return {"events": []}

    cloud.on("cloudwatchlogs.FilterLogEvents", events)
    played = play("logs", "production", "web", "--since", "2h")
    assert played.code == 0, played.err
    assert requests[0]["logGroupName"] == "/ecs/production-allthrive-web"
    assert requests[0]["startTime"] == int((cloud.clock.time - 7200) * 1000)
    assert "nothing in /ecs/production-allthrive-web since" in played.out


def test_following_says_each_line_once_and_goes_on_when_aws_is_late(cloud: FakeCodePipeline) -> None:
    lines = [event(1, cloud.clock.time - 5, "one"), event(2, cloud.clock.time - 4, "two")]
    cloud.on("cloudwatchlogs.FilterLogEvents", lambda _: {"events": lines})

    def interrupt() -> None:
        raise KeyboardInterrupt

    def late() -> None:
        lines.append(event(3, cloud.clock.time - 9, "late"))

    cloud.ticks = [late, lambda: cloud.faults.update({"cloudwatchlogs.FilterLogEvents": ["broken"] * 9}), interrupt]
    played = play("logs", "production", "web", "--follow")
    assert [line.rpartition(" ")[2] for line in played.out.splitlines()] == ["one", "two", "late"]
    assert played.code == 130


@pytest.mark.parametrize("given", ["", "10", "m", "0m", "1.5h", "-5m", "10 minutes"])
def test_what_is_no_time_is_refused(cloud: FakeCodePipeline, given: str) -> None:
    played = play("logs", "production", "web", f"--since={given}")
    assert played.code == 2
    assert "write a number and s, m, h or d" in played.err


@pytest.fixture(name="programs")
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An AWS CLI that writes down its arguments and ends with 7, beside the plugin."""
    for name in ("aws", "session-manager-plugin"):
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/given\nexit 7\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def runs(cloud: FakeCodePipeline, *tasks: dict[str, Any]) -> None:
    cloud.on("ecs.ListTasks", lambda _: {"taskArns": [task["taskArn"] for task in tasks]})
    cloud.on("ecs.DescribeTasks", lambda _: json.loads(json.dumps({"tasks": tasks})))


def test_a_command_runs_in_the_newest_task_and_its_code_is_the_commands(
    cloud: FakeCodePipeline, programs: Path
) -> None:
    old, new = (
        {"taskArn": f"arn:{name}", "lastStatus": "RUNNING", "startedAt": when}
        for name, when in (("old", 1_800_000_000), ("new", 1_800_000_900))
    )
    runs(cloud, new, old)
    assert play("exec", "production", "web", "--", "python", "manage.py", "shell", "-c", "print('a b')").code == 7
    given = (programs / "given").read_text().splitlines()
    assert given[:2] == ["ecs", "execute-command"]
    words = dict(zip(given[2::2], given[3::2], strict=False))
    assert (words["--cluster"], words["--task"], words["--container"]) == (
        "production-allthrive-cluster",
        "arn:new",
        "web",
    )
    assert given[-1] == """python manage.py shell -c 'print('"'"'a b'"'"')'"""


@pytest.mark.usefixtures("programs")
def test_without_a_command_it_is_a_shell(cloud: FakeCodePipeline, programs: Path) -> None:
    runs(cloud, {"taskArn": "arn:one", "lastStatus": "RUNNING"})
    play("exec", "production", "web")
    assert (programs / "given").read_text().splitlines()[-1] == "/bin/sh"


@pytest.mark.usefixtures("programs")
def test_where_no_task_runs_the_log_is_named(cloud: FakeCodePipeline) -> None:
    runs(cloud)
    played = play("exec", "production", "web")
    assert played.code == 1
    assert "no task of production-allthrive-web is running\nnext: slipway logs production web" in played.err


@pytest.mark.parametrize("code", ["ClusterNotFoundException", "ServiceNotFoundException"])
def test_what_is_not_deployed_is_told(cloud: FakeCodePipeline, code: str) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused(code)

    cloud.on("ecs.ListTasks", refuse)
    assert "production is not deployed" in play("exec", "production", "web").err


def test_a_program_that_is_missing_is_named_with_where_to_get_it(
    cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs(cloud, {"taskArn": "arn:one", "lastStatus": "RUNNING"})
    monkeypatch.setenv("PATH", str(tmp_path))
    played = play("exec", "production", "web")
    assert played.code == 1
    assert "aws is not installed; sessions need it\nnext: install it: https://docs.aws.amazon.com/" in played.err
