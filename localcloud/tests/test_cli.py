"""The command line: options, variables and usage errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from localcloud import cli, process, settings
from localcloud.settings import Settings
from localcloud.testing.plain import free_port


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps tests apart from the developer's cloud and settings."""
    for name in Settings().environment():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Settings]:
    """The settings of a cloud that a test starts by command; it is stopped after the test."""
    expected = Settings(port=free_port(), state=tmp_path / "state", docker=False)
    yield expected
    process.stop(process.placed(expected))


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localcloud", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def given(*arguments: str) -> Settings:
    return cli.chosen(cli.parser("localcloud").parse_args(arguments))


def refused(code: int, done: subprocess.CompletedProcess[str]) -> str:
    """Returns the message of a refused command, which has no traceback."""
    assert done.returncode == code, done
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("fly",), ()])
def test_an_unknown_or_missing_verb_prints_the_verbs(arguments: tuple[str, ...]) -> None:
    assert "{up,down,reset,status}" in refused(2, typed(*arguments))


@pytest.mark.parametrize("port", ["http", "-1", "4701.5", ""])
def test_a_port_that_is_not_a_number_is_refused(port: str) -> None:
    assert "write a number from 1 to 65535" in refused(2, typed("up", f"--port={port}"))


@pytest.mark.parametrize(
    ("option", "value", "advice"),
    [
        ("--port", "70000", "write a number from 1 to 65535"),
        ("--account", "1234", "write 12 digits"),
        ("--region", "Frankfurt", "such as us-east-1"),
    ],
)
def test_an_option_without_a_usable_value_is_refused_with_what_to_write(option: str, value: str, advice: str) -> None:
    assert advice in refused(2, typed("up", option, value))


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("LOCALCLOUD_PORT", "http", "write a number"),
        ("LOCALCLOUD_ACCOUNT", "me", "write 12 digits"),
        ("LOCALCLOUD_DOCKER", "perhaps", "write 1 or 0"),
        ("LOCALCLOUD_SUBNET", "10.0.0.0/24", "write the first three numbers"),
        ("LOCALCLOUD_BUILD_VARIABLES", "NAME=value", "write a JSON object"),
        ("LOCALCLOUD_BUILD_VARIABLES", '{"NAME": 1}', "write a JSON object"),
        ("LOCALCLOUD_FUNCTION_VARIABLES", "[]", "write a JSON object"),
    ],
)
def test_a_variable_without_a_usable_value_is_refused_with_what_to_write(
    variable: str, value: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    message = refused(2, typed("status"))
    assert advice in message
    assert value in message


def test_options_override_variables_and_variables_override_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_PORT", "4801")
    monkeypatch.setenv("LOCALCLOUD_REGION", "eu-central-1")
    assert (given("up").port, given("up", "--port", "4802").port) == (4801, 4802)
    assert (given("up").region, given("up").account) == ("eu-central-1", Settings().account)
    assert given("down").region == "eu-central-1"


def test_every_setting_of_a_cloud_can_be_an_option_of_up(tmp_path: Path) -> None:
    options = ["--state", "folder", "--account", "222233334444", "--region", "eu-west-1", "--no-docker"]
    chosen = given("up", *options, "--extension", "a.b", "--extension", "c", "--extensions-from", str(tmp_path))
    assert chosen.state == tmp_path / "folder"
    assert (chosen.account, chosen.region, chosen.docker) == ("222233334444", "eu-west-1", False)
    assert (chosen.extensions, chosen.extensions_from) == (("a.b", "c"), tmp_path)


def test_a_child_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chosen = Settings(
        port=4803,
        state=tmp_path,
        docker=False,
        build_variables={"A": "1"},
        function_variables={"B": "${address}"},
        extensions=("a", "b"),
        extensions_from=tmp_path,
        command="acme cloud",
    )
    for name, value in chosen.environment().items():
        monkeypatch.setenv(name, value)
    assert settings.current() == chosen


def test_the_version_is_that_of_the_package() -> None:
    assert typed("--version").stdout.strip() == f"localcloud {metadata.version('localcloud')}"


def test_an_unusable_state_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = refused(1, typed("up", "--no-docker", "--state", "file"))
    assert str(tmp_path / "file") in message
    assert "LOCALCLOUD_STATE=<folder>" in message


@pytest.mark.local
@pytest.mark.parametrize(
    ("extension", "reason"), [("no_such_module", "cannot be imported"), ("json", "lacks the function answers")]
)
def test_a_module_that_is_not_an_extension_stops_the_start(served: Settings, extension: str, reason: str) -> None:
    where = ("--state", str(served.state), "--port", str(served.port))
    message = refused(1, typed("up", "--no-docker", *where, "--extension", extension))
    assert f"The extension {extension} {reason}" in message
    assert process.running(served) is None


@pytest.mark.local
def test_up_status_reset_and_down_work_as_commands(served: Settings) -> None:
    where = ("--state", str(served.state))
    assert "not running" in refused(3, typed("status", *where))
    up = typed("up", "--no-docker", *where, "--port", str(served.port))
    assert (up.returncode, served.url in up.stdout) == (0, True)
    second = refused(1, typed("up", "--no-docker", *where, "--port", str(free_port())))
    assert f"runs at {served.url}" in second
    assert f"serving at {served.url}" in typed("status", *where).stdout
    assert typed("reset", *where).returncode == 0
    assert "is down" in typed("down", *where).stdout
    assert not process.port_taken(served)
    assert "localcloud up" in refused(1, typed("reset", *where))
