"""`slipway logs` and `slipway exec` where hosts run the containers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway_cli import choice
from tests.slipway_cli.operate.playing import play
from tests.support.fake_codepipeline import FakeCodePipeline
from tests.support.on_hosts import compose, containers

HOST = "i-00000000000000001"


@pytest.fixture(name="shop")
def _shop(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> FakeCodePipeline:
    """The cloud, whose product runs compose files on hosts."""
    monkeypatch.setattr(choice, "loaded", lambda _: compose())
    return cloud


@pytest.fixture(name="programs")
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An AWS CLI that writes down its arguments and ends with 7, beside the plugin."""
    for name in ("aws", "session-manager-plugin"):
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/given\nexit 7\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def running(cloud: FakeCodePipeline, *hosts: str) -> list[dict[str, Any]]:
    """Makes EC2 answer with hosts, the last one first; returns its requests."""
    requests: list[dict[str, Any]] = []

    def answer(given: dict[str, Any]) -> str:
        requests.append(given)
        items = "".join(
            f"<item><instancesSet><item><instanceId>i-{number:017x}</instanceId><tagSet><item><key>Name</key>"
            f"<value>{name}</value></item></tagSet></item></instancesSet></item>"
            for number, name in reversed(list(enumerate(hosts, start=1)))
        )
        return f"<DescribeInstancesResponse><reservationSet>{items}</reservationSet></DescribeInstancesResponse>"

    cloud.on("ec2.DescribeInstances", answer)
    return requests


def test_the_log_of_a_service_has_its_containers_on_all_hosts(shop: FakeCodePipeline) -> None:
    streams = {
        "shop-backend-1/host-1": "of compose",
        "shop-backend-2/host-2": "of another host",
        "backend/host-1": "with a name of its own",
        "shop-backend-old-1/host-1": "of another service",
        "shop-proxy-1/host-1": "of the proxy",
    }
    events = [
        {"eventId": message, "timestamp": int(shop.clock.time * 1000), "logStreamName": stream, "message": message}
        for stream, message in streams.items()
    ]
    shop.on("cloudwatchlogs.FilterLogEvents", lambda _: {"events": events})

    played = play("logs", "staging", "backend")

    assert played.code == 0, played.err
    assert [line.split(" ", 2)[2] for line in played.out.splitlines()] == [
        "host-1 of compose",
        "host-2 of another host",
        "host-1 with a name of its own",
    ]


def test_the_log_group_is_that_of_the_hosts(shop: FakeCodePipeline) -> None:
    groups = []

    def events(given: dict[str, Any]) -> dict[str, Any]:
        groups.append(given["logGroupName"])
        return {"events": []}

    shop.on("cloudwatchlogs.FilterLogEvents", events)

    assert "nothing in /hosts/staging-shop since" in play("logs", "staging", "backend").out
    assert groups == ["/hosts/staging-shop"]


def test_a_command_runs_in_the_container_of_the_first_host(shop: FakeCodePipeline, programs: Path) -> None:
    requests = running(shop, "staging-shop-host-1", "staging-shop-host-2")

    assert play("exec", "staging", "backend", "--", "python", "manage.py", "shell", "-c", "print('a b')").code == 7

    assert requests[0]["Filter.3.Name"] == "instance-state-name"
    given = (programs / "given").read_text().splitlines()
    assert given[:4] == ["ssm", "start-session", "--region", "us-east-1"]
    words = dict(zip(given[2::2], given[3::2], strict=True))
    assert words["--target"] == HOST
    assert words["--document-name"] == "AWS-StartInteractiveCommand"
    (command,) = json.loads(words["--parameters"])["command"]
    assert exec_on_host(command, programs, "container-1\ncontainer-2") == [
        "exec",
        "--interactive",
        "container-1",
        *("python", "manage.py", "shell", "-c", "print('a b')"),
    ]


def exec_on_host(command: str, folder: Path, found: str) -> list[str]:
    """Runs the session's command with a docker that lists containers; returns the arguments of its last call."""
    docker = folder / "docker"
    docker.write_text(
        f'#!/bin/sh\nif [ "$1" = ps ]; then\n'
        f'  [ "$4" = label=com.docker.compose.service=backend ] && echo "{found}"\n  exit\nfi\n'
        f"printf '%s\\n' \"$@\" > {folder}/called\n"
    )
    docker.chmod(0o755)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return (folder / "called").read_text().splitlines() if done.returncode == 0 else [done.stderr.strip()]


def test_where_no_container_runs_the_session_says_so(shop: FakeCodePipeline, programs: Path) -> None:
    running(shop, "staging-shop-host-1")
    play("exec", "staging", "backend")
    (command,) = json.loads((programs / "given").read_text().splitlines()[-1])["command"]

    assert exec_on_host(command, programs, "") == ["no container of backend runs on this host"]


@pytest.mark.usefixtures("programs")
def test_where_no_host_runs_it_is_told(shop: FakeCodePipeline) -> None:
    running(shop)

    assert "no host of staging is running: is it deployed?" in play("exec", "staging", "backend").err


@pytest.mark.parametrize("verb", ["logs", "exec"])
def test_a_container_that_the_manifest_does_not_have_is_refused(
    cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    product = containers()
    monkeypatch.setattr(choice, "loaded", lambda _: product)

    played = play(verb, next(iter(product.environments)), "nobody")

    assert played.code == 2
    assert f"no container 'nobody' in {product.name}" in played.err
