"""Up, down, reset and status, as a user meets them."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import launcher, network, process, shell
from localcloud.settings import Settings
from localcloud.testing.plain import free_port

pytestmark = pytest.mark.local


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A place for a cloud without containers; nothing is left of it."""
    made = Settings(port=free_port(), state=tmp_path / ".localcloud", docker=False)
    yield made
    process.stop(made)


def test_up_serves_and_a_second_up_changes_nothing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert launcher.up(settings) == 0
    first = process.running(settings)
    assert launcher.up(settings) == 0
    assert process.running(settings) == first
    out = capsys.readouterr().out
    assert "only recorded" in out
    assert f"source {settings.state / 'local.env'}" in out


def test_docker_without_an_image_for_the_relay_is_as_good_as_none(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "connect", object)
    monkeypatch.setattr(network, "relay_image", lambda _client: None)
    assert launcher.up(dataclasses.replace(settings, docker=True)) == 0
    out = capsys.readouterr().out
    assert "docker pull python:3.13-slim" in out
    assert "only recorded" in out


def test_down_ends_the_process_and_says_so(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    launcher.up(settings)
    pid = process.running(settings)
    assert pid is not None
    assert launcher.down(settings) == 0
    assert process.running(settings) is None
    assert not process.port_taken(settings)
    assert "is down" in capsys.readouterr().out
    assert launcher.down(settings) == 0


def test_a_state_folder_has_one_cloud_whatever_port_is_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.up(settings)
    other = dataclasses.replace(settings, port=free_port())
    assert launcher.up(other) == 1
    out = capsys.readouterr().out
    assert f"runs at {settings.url}" in out
    assert "LOCALCLOUD_STATE" in out
    assert not process.port_taken(other)
    assert launcher.status(other) == 0
    assert f"serving at {settings.url}" in capsys.readouterr().out
    assert launcher.reset(other) == 0
    assert launcher.down(other) == 0
    assert not process.port_taken(settings)


def test_status_tells_by_its_exit_code_whether_it_serves(settings: Settings) -> None:
    assert launcher.status(settings) == 3
    launcher.up(settings)
    assert launcher.status(settings) == 0


def test_what_to_type_next_is_named_as_the_user_types_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    own = dataclasses.replace(settings, command="acme cloud")
    assert launcher.reset(own) == 1
    assert "Start it: acme cloud up" in capsys.readouterr().out
    assert launcher.up(own) == 0
    assert "acme cloud down" in capsys.readouterr().out
    assert launcher.up(dataclasses.replace(own, port=free_port())) == 1
    assert "End it: acme cloud down" in capsys.readouterr().out


def test_reset_needs_a_running_cloud(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert launcher.reset(settings) == 1
    assert "localcloud up" in capsys.readouterr().out
    launcher.up(settings)
    assert launcher.reset(settings) == 0


def test_a_port_of_another_program_is_named_and_nothing_is_stopped(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.port))
        other.listen()
        assert launcher.up(settings) == 1
    out = capsys.readouterr().out
    assert f"Port {settings.port} is used by another program" in out
    assert "lsof" in out
    assert "LOCALCLOUD_PORT" in out


def test_a_killed_server_is_no_obstacle(settings: Settings) -> None:
    launcher.up(settings)
    pid = process.running(settings)
    assert pid is not None
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert process.running(settings) is None
    assert launcher.up(settings) == 0
    assert process.running(settings) not in (None, pid)


def test_the_pid_of_somebody_elses_process_is_never_ours(settings: Settings) -> None:
    settings.run.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        process.pid_file(settings).write_text(str(stranger.pid), encoding="utf-8")
        assert process.running(settings) is None
        assert process.stop(settings) is False
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "environment", lambda _settings: {"PATH": os.environ["PATH"], "LOCALCLOUD_PORT": "x"})
    assert launcher.up(settings) == 1
    assert "did not start" in capsys.readouterr().out
    assert process.running(settings) is None


def test_two_commands_at_once_take_turns(settings: Settings) -> None:
    commands = [threading.Thread(target=launcher.up, args=(settings,)) for _ in range(3)]
    for command in commands:
        command.start()
    for command in commands:
        command.join()
    assert process.healthy(settings)


def test_the_server_gets_nothing_of_the_callers_credentials(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    monkeypatch.setenv("GITHUB_TOKEN", "mine")
    assert "mine" not in process.environment(settings).values()


def test_the_file_to_source_points_every_tool_at_the_local_cloud(settings: Settings) -> None:
    path = shell.write(settings)
    command = f'AWS_PROFILE=mine; . {path}; env; echo "plugin=$(command -v session-manager-plugin)"'
    out = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    assert f"AWS_ENDPOINT_URL=http://localhost:{settings.port}" in out
    assert f"plugin={settings.state}/bin/session-manager-plugin" in out
    assert "AWS_PROFILE" not in out
    assert f"CDK_DOCKER={settings.state}/bin/localcloud-docker" in out


@pytest.mark.parametrize(
    ("version", "wanted"), [((), False), ((1, 45), True), ((2, 12), True), ((2, 13), False), ((2, 27), False)]
)
def test_only_an_older_aws_cli_gets_a_stand_in_before_it(version: tuple[int, ...], *, wanted: bool) -> None:
    assert shell.needs_shim(version) is wanted


@pytest.mark.docker
def test_a_killed_cloud_leaves_containers_that_the_next_up_removes(tmp_path: Path) -> None:
    client = network.connect()
    if client is None:
        pytest.skip("no Docker daemon answers")
    own = Settings(port=free_port(), state=tmp_path / ".localcloud", subnet="169.254.180")
    try:
        assert launcher.up(own) == 0
        pid = process.running(own)
        assert pid is not None
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        assert len(network.owned(client, own)) == 1
        assert launcher.up(own) == 0
        assert process.healthy(own)
    finally:
        launcher.down(own)
    assert network.owned(client, own) == []


@pytest.mark.docker
def test_the_network_of_a_killed_cloud_is_no_obstacle_to_another_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = network.connect()
    if client is None:
        pytest.skip("no Docker daemon answers")
    killed = Settings(port=free_port(), state=tmp_path / "killed", subnet="169.254.180")
    own = Settings(port=free_port(), state=tmp_path / "own", subnet="169.254.180")
    try:
        assert launcher.up(killed) == 0
        pid = process.running(killed)
        assert pid is not None
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        assert launcher.up(own) == 0
        assert f"Removed 1 containers of a local cloud on port {killed.port}" in capsys.readouterr().out
        assert network.owned(client, killed) == []
    finally:
        launcher.down(own)
        launcher.down(killed)


def test_up_waits_for_the_port_of_a_server_that_was_just_killed(settings: Settings) -> None:
    """Its last threads keep the port for a moment."""
    ending = (
        "import socket as s, sys; p = s.create_server(('127.0.0.1', int(sys.argv[1]))); print(flush=True); p.accept()"
    )
    words = [sys.executable, "-c", ending, str(settings.port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as killed:
        assert killed.stdout
        killed.stdout.readline()  # it listens, and ends when it is asked
        process.pid_file(settings).parent.mkdir(parents=True)
        process.pid_file(settings).write_text(str(killed.pid))

        assert launcher.up(settings) == 0
    assert process.healthy(settings)
