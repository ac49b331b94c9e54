"""A command finds the running local cloud of its checkout by itself, and never sends it AWS credentials."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing.pipelines import World, approval, stage
from localcloud.testing.plain import Plain, free_port, plain
from paths import ROOT
from slipway_cli import typed

__all__ = ["plain"]

pytestmark = pytest.mark.local
MAIN = "allthrive-main"


@pytest.fixture(name="world", scope="module")
def _world(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud in which AllThrive's main pipeline waits for an approval."""
    world = World(plain, tmp_path_factory.mktemp("world"))
    declared = world.declare(stage("Approve", approval()), name=MAIN)
    world.api.create_pipeline(pipeline=declared)
    world.token(MAIN)
    yield world
    world.api.delete_pipeline(name=MAIN)


def slipway(*words: str, state: Path, **shell: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a shell that sourced nothing, with the given variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SLIPWAY_"))}
    done = subprocess.run(
        [sys.executable, "-m", "slipway_cli", *words],
        cwd=ROOT,
        env={**inherited, "LOCALCLOUD_STATE": str(state), "AWS_EC2_METADATA_DISABLED": "true", **shell},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


def test_status_finds_the_running_cloud_and_the_product_by_itself(world: World) -> None:
    done = slipway("status", "main", state=world.plain.state)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "local cloud, account 111122223333, us-east-1"
    assert "waits for approval: Approve/Ask" in done.stdout
    assert f"next: {typed.program()} approve main" in done.stdout


def test_credentials_of_aws_are_not_used_for_the_local_cloud(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "credentials"
    profile.write_text("[work]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n")
    done = slipway(
        *("status", "main"),
        state=world.plain.state,
        AWS_PROFILE="work",
        AWS_SHARED_CREDENTIALS_FILE=str(profile),
        AWS_SESSION_TOKEN="of another session",
        AWS_REGION="eu-west-1",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("local cloud, account 111122223333, us-east-1\n")


def test_aws_is_asked_only_on_request_while_a_local_cloud_is_up(world: World, tmp_path: Path) -> None:
    none = str(tmp_path / "none")
    nothing = {"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none}
    done = slipway("status", "--aws", state=world.plain.state, **nothing)
    assert done.returncode == 1
    assert "there are no AWS credentials to use" in done.stderr


def test_a_shell_that_is_set_to_another_cloud_is_refused(world: World) -> None:
    endpoint = f"http://localhost:{free_port()}"
    done = slipway("status", state=world.plain.state, AWS_ENDPOINT_URL=endpoint)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert f"set to a cloud at {endpoint}, and the local cloud of this checkout runs at http://localhost" in first
    assert second.startswith("next: unset AWS_ENDPOINT_URL")


def test_the_address_of_the_running_clouds_console_is_printed(world: World) -> None:
    done = slipway("console", state=world.plain.state)
    address = f"http://localhost:{world.plain.port}/codesuite/codepipeline/pipelines?region=us-east-1"
    assert done.stdout.splitlines() == ["local cloud, account 111122223333, us-east-1", address]


def test_local_status_reports_a_running_and_a_stopped_cloud(world: World, tmp_path: Path) -> None:
    up = slipway("local", "status", state=world.plain.state)
    assert up.returncode == 0
    assert f"serving at http://localhost:{world.plain.port}" in up.stdout
    down = slipway("local", "status", state=tmp_path)
    assert down.returncode == 1
    assert "not running" in down.stdout


def test_a_second_cloud_in_one_checkout_is_refused_with_what_to_type(world: World) -> None:
    done = slipway("local", "up", "--port", str(free_port()), "--no-docker", state=world.plain.state)
    assert done.returncode == 1
    assert f"runs at http://localhost:{world.plain.port}: a state folder has one" in done.stdout
    assert f"End it: {typed.program()} local down" in done.stdout


@pytest.mark.slow
def test_a_cloud_starts_empty_hangs_and_is_stopped(tmp_path: Path) -> None:
    port = free_port()
    up = slipway("local", "up", "--port", str(port), "--no-docker", state=tmp_path)
    assert up.returncode == 0, up.stdout + up.stderr
    server = int((tmp_path / "run" / "server.pid").read_text())
    try:
        empty = slipway("approve", state=tmp_path)
        assert empty.returncode == 1
        assert f"no product is deployed on the local cloud at http://localhost:{port} yet" in empty.stderr
        assert f"next: {typed.program()} demo; or {typed.program()} approve --product allthrive" in empty.stderr
        os.kill(server, signal.SIGSTOP)
        hung = slipway("status", state=tmp_path)
        assert hung.returncode == 1
        first, second = hung.stderr.splitlines()
        assert f"is running but does not answer at http://localhost:{port}; its log: " in first
        assert second == f"next: {typed.program()} local down, then {typed.program()} local up"
    finally:
        os.kill(server, signal.SIGCONT)
        down = slipway("local", "down", state=tmp_path)
    assert down.returncode == 0
    assert slipway("local", "status", state=tmp_path).returncode == 1


# --- logs ------------------------------------------------------------------------------------------------------------


def write(plain: Plain, *lines: str) -> None:
    """Writes lines to the log of the service web in production, dated now."""
    logs, group, stream = plain.client("logs"), "/ecs/production-allthrive-web", "web/web/0123456789abcdef"
    for make, given in ((logs.create_log_group, {}), (logs.create_log_stream, {"logStreamName": stream})):
        try:
            make(logGroupName=group, **given)
        except logs.exceptions.ResourceAlreadyExistsException:
            continue
    events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_logs_prints_what_a_service_wrote_without_control_characters(plain: Plain) -> None:
    write(plain, "GET /", "  indented \x1b[31mred")
    done = slipway("logs", "production", "web", "--product", "allthrive", state=plain.state)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "local cloud, account 111122223333, us-east-1\n"
    assert [line.partition(" 01234567 ")[2] for line in done.stdout.splitlines()][-2:] == [
        "GET /",
        "  indented [31mred",
    ]


def test_logs_of_an_undeployed_service_is_refused(plain: Plain) -> None:
    done = slipway("logs", "staging", "celery", "--product", "allthrive", state=plain.state)
    assert done.returncode == 1
    assert "there is no log group /ecs/staging-allthrive-celery: staging is not deployed" in done.stderr


def test_exec_is_refused_if_no_task_runs(plain: Plain) -> None:
    done = slipway("exec", "staging", "celery", "--product", "allthrive", state=plain.state)
    assert done.returncode == 1
    assert "staging-allthrive-celery" in done.stderr
