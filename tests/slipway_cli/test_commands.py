"""The command `slipway`: commands accept what their help says; wrong input ends with a message and a code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from botocore import exceptions

from localcloud.testing.plain import free_port
from paths import ROOT
from products import example_names, load, product_names
from slipway_cli import choice, typed
from slipway_cli.main import app
from tests.slipway_cli.operate.playing import given, play, playing
from tests.support.fake_aws import Refused
from tests.support.fake_codepipeline import FakeCodePipeline

COMMANDS = (
    *("init", "demo", "status", "start", "follow", "approve", "reject", "retry", "rollback", "stop", "release", "logs"),
    *("exec", "review", "cost", "policy", "drill", "console", "local", "docs", "doctor", "prepare", "drift", "open"),
)
MOVED = (
    *("status", "start", "follow", "approve", "reject", "retry", "rollback", "stop", "drill", "review", "cost"),
    *("local-up", "local-down", "local-reset", "local-status", "test-push"),
)
ENVIRONMENTS = sorted({name for product in product_names() for name in load(product).environments})
# Under `make test` the outer make hands its own flags down.
OUTSIDE_MAKE = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}

#: Every command that uses a cloud, with valid arguments.
CLOUD_COMMANDS = {
    "status": ["status"],
    "start": ["start", "main"],
    "follow": ["follow"],
    "approve": ["approve"],
    "reject": ["reject", "--reason", "no"],
    "retry": ["retry"],
    "rollback": ["rollback", "production", "--to", "1.1.0"],
    "stop": ["stop"],
    "release": ["release", "production", "--source", "."],
    "logs": ["logs", "production", "web"],
    "exec": ["exec", "production", "web", "--", "true"],
    "prepare": ["prepare", "production"],
}
PRODUCT_COMMANDS = {
    **CLOUD_COMMANDS,
    "review": ["review"],
    "cost": ["cost"],
    "policy": ["policy"],
    "drill": ["drill", "bad-image"],
    "doctor": ["doctor", "production"],  # its exit code says that AWS cannot be asked: tests/slipway_cli/doctor
}


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCodePipeline]:
    cloud = FakeCodePipeline()
    with playing(cloud, monkeypatch):
        yield cloud


@pytest.fixture(name="bare")
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A shell with no local cloud and no credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name == choice.VARIABLE]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("LOCALCLOUD_STATE", str(tmp_path))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def failure(*arguments: str) -> tuple[int, str]:
    """Returns the exit code of a failing command, and its message: at most two lines."""
    played = play(*arguments)
    lines = played.err.strip().splitlines()
    assert "Traceback" not in played.all
    assert played.code in (1, 2), played.all
    assert 1 <= len(lines) <= 2, played.err
    if len(lines) == 2:
        assert lines[1].startswith("next: ")
    return played.code, played.err


# --- what there is ---------------------------------------------------------------------------------------------------


@cache
def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def test_the_list_of_commands_is_complete() -> None:
    assert set(commands()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_a_group(name: str) -> None:
    command = commands()[name]
    assert command.help
    assert command.rich_help_panel


def test_the_version_is_printed() -> None:
    assert play("--version").out == "slipway 0.1.0\n"


@pytest.mark.parametrize(
    ("typed_so_far", "expected"),
    [
        ("slipway st", ["start", "status", "stop"]),
        ("slipway status --product ", sorted({*product_names(), *example_names()})),
        ("slipway start --product edenco ma", ["main"]),
        ("slipway follow ma", ["main"]),
        ("slipway rollback ", ENVIRONMENTS),
        ("slipway doctor ", sorted([*ENVIRONMENTS, "tooling"])),
        ("slipway logs production celery", ["celery", "celery-beat"]),
        (
            "slipway approve --stage App",
            ["Approval", "ApproveDev", "ApproveProduction", "ApproveStaging", "ApproveTooling"],
        ),
        ("slipway drill bad", ["bad-image"]),
        ("slipway local ", ["down", "reset", "status", "up"]),
    ],
)
def test_a_shell_completes_commands_and_names(typed_so_far: str, expected: list[str]) -> None:
    words = typed_so_far.split(" ")
    done = subprocess.run(
        [sys.executable, "-m", "slipway_cli"],
        cwd=ROOT,
        env={
            **os.environ,
            "_SLIPWAY_COMPLETE": "complete_bash",
            "COMP_WORDS": typed_so_far,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert [word for word in sorted(done.stdout.split()) if not word.startswith("-")] == expected, done.stderr


def test_arguments_are_not_interpreted(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Approval")
    reason = 'it\'s "bad"; $(date) & co'
    assert play("reject", "main", "--stage", "Approval", "--reason", reason).code == 0
    (answered,) = given(cloud, "PutApprovalResult")
    assert answered["result"] == {"summary": reason, "status": "Rejected"}


def test_follow_needs_no_flow_when_one_run_is_in_progress(cloud: FakeCodePipeline) -> None:
    run = cloud.run("main", 1, "InProgress", at="Staging")

    def end() -> None:
        run.status = "Succeeded"

    cloud.ticks = [end]
    played = play("follow")
    assert played.code == 0, played.err
    assert "allthrive-main v1.1.0-0000001 Succeeded" in played.out


def test_follow_lists_the_runs_if_several_are_in_progress(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Staging")
    cloud.run("feature", 2, "InProgress", at="Test")
    code, message = failure("follow")
    assert code == 1
    assert "slipway follow feature --run 00000002 or slipway follow main --run 00000001" in message


# --- the product, if it is not named ----------------------------------------------------------------------------------


def test_the_product_is_the_only_one_that_is_deployed(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(choice.VARIABLE)
    played = play("status")
    assert played.code == 0, played.err
    assert "allthrive-main (queued)" in played.out
    assert "next: slipway start main\n" in played.out


@pytest.mark.parametrize(
    ("deployed", "message"),
    [
        ([], f"can see no pipeline of {' or '.join(product_names())} in AWS account"),
        (["allthrive-main", "edenco-main"], "are deployed on AWS account"),
    ],
)
def test_an_ambiguous_product_must_be_named(
    cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch, deployed: list[str], message: str
) -> None:
    monkeypatch.delenv(choice.VARIABLE)
    cloud.on("codepipeline.ListPipelines", lambda _: {"pipelines": [{"name": name} for name in deployed]})
    code, answer = failure("approve", "main")
    assert code == 2
    assert message in answer
    assert "next: slipway approve main --product allthrive" in answer


# --- wrong input -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("command", PRODUCT_COMMANDS)
def test_an_unknown_product_is_refused(command: str) -> None:
    words = PRODUCT_COMMANDS[command]
    code, message = failure(words[0], "--product", "allthriv", *words[1:])
    assert code == 2
    assert "allthriv" in message


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("command", ["status", "start", "follow", "approve", "reject", "retry", "stop"])
def test_an_unknown_flow_is_refused(command: str) -> None:
    more = ["--reason", "no"] if command == "reject" else []
    code, message = failure(command, "mian", *more)
    assert code == 2
    assert "no flow 'mian' in allthrive; did you mean 'main'?" in message


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "words",
    [
        ["rollback", "prod", "--to", "1"],
        ["release", "prod", "--source", "."],
        ["logs", "prod", "web"],
        ["exec", "prod", "web"],
        ["cost", "prod"],
        ["demo", "allthrive", "--environment", "prod"],
    ],
    ids=lambda words: words[0],
)
def test_an_unknown_environment_is_refused(words: list[str]) -> None:
    code, message = failure(*words)
    assert code == 2
    assert "no environment 'prod' in allthrive; did you mean 'production'?" in message


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("command", ["logs", "exec"])
def test_an_unknown_service_is_refused(command: str) -> None:
    code, message = failure(command, "production", "wbe")
    assert code == 2
    assert "no service 'wbe' in allthrive; did you mean 'web'?" in message


@pytest.mark.parametrize("command", ["follow", "retry", "stop"])
def test_an_unknown_run_is_refused(cloud: FakeCodePipeline, command: str) -> None:
    cloud.run("main", 1)
    code, message = failure(command, "main", "--run", "ffff")
    assert code == 1
    assert "ffff" in message


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("command", ["follow", "approve", "reject", "retry", "stop", "rollback"])
def test_without_a_run_a_command_fails(command: str) -> None:
    assert failure(*CLOUD_COMMANDS[command])[0] == 1


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", [*CLOUD_COMMANDS, "console"])
def test_without_credentials_the_next_step_is_a_login(command: str) -> None:
    code, message = failure(*CLOUD_COMMANDS.get(command, [command, "--region", "us-east-1"]))
    assert code == 1
    assert "no AWS credentials" in message
    assert "next: aws sso login" in message


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", [*CLOUD_COMMANDS, "console"])
def test_an_unreachable_aws_is_reported(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://closed.invalid:{free_port()}")
    code, message = failure(*CLOUD_COMMANDS.get(command, [command, "--region", "us-east-1"]))
    assert code == 1
    assert "AWS does not answer" in message


@pytest.mark.parametrize("command", CLOUD_COMMANDS)
def test_expired_credentials_are_reported(cloud: FakeCodePipeline, command: str) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused("ExpiredToken", "the security token included in the request is expired")

    cloud.on("sts.GetCallerIdentity", refuse)
    code, message = failure(*CLOUD_COMMANDS[command])
    assert code == 1
    assert "the AWS session has ended" in message


@pytest.mark.parametrize("command", CLOUD_COMMANDS)
def test_credentials_of_another_account_are_refused(cloud: FakeCodePipeline, command: str) -> None:
    cloud.account = "999999999999"
    code, message = failure(*CLOUD_COMMANDS[command])
    assert code == 1
    assert (
        "the credentials are those of AWS account 999999999999, but the manifest says account 111122223333" in message
    )


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", [*CLOUD_COMMANDS, "console"])
def test_variables_of_a_stopped_local_cloud_are_refused(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{free_port()}")
    code, message = failure(*CLOUD_COMMANDS.get(command, [command]))
    assert code == 1
    assert "this shell is set to a local cloud that is down" in message
    assert "slipway local up; or, for AWS: unset AWS_ENDPOINT_URL" in message


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", [*CLOUD_COMMANDS, "console"])
def test_aws_is_refused_with_the_variables_of_a_local_cloud(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4701")
    words = CLOUD_COMMANDS.get(command, [command])
    code, message = failure(words[0], "--aws", *words[1:])
    assert code == 2
    assert "unset AWS_ENDPOINT_URL" in message


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    "words",
    [
        ["dance"],
        ["start"],
        ["rollback", "production"],
        ["status", "--runs", "0"],
        ["status", "--runs", "many"],
        ["status", "--flow", "main"],
        ["release", "production"],
        ["logs", "production"],
        ["logs", "production", "web", "--since", "yesterday"],
        ["exec"],
        ["review", "--before", "x"],
        ["review"],
        ["cost"],
        ["drill", "bad-imag"],
        ["drill", "bad-image"],
        ["local", "fly"],
        ["local", "up", "--port", "0"],
        ["local", "reset"],
        ["console", "--port", "x"],
        ["demo", "nothing"],
        ["demo", "edenco", "--source", "/nowhere"],
        ["policy", "--product", "nothing"],
        ["docs", "more"],
    ],
    ids=" ".join,
)
def test_an_incomplete_or_wrong_command_line_is_refused(words: list[str]) -> None:
    if words == ["local", "reset"]:
        played = play(*words)
        assert (played.code, len(played.all.splitlines())) == (1, 1)
    else:
        failure(*words)


# --- old names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", MOVED)
def test_an_old_target_names_the_new_command(target: str) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=OUTSIDE_MAKE,
    )
    verb = target.replace("-", " ", 1) if target.startswith("local-") else target
    assert done.returncode == 2
    assert done.stderr.startswith(f"make {target} is now: ")
    assert ("test_push.py" if target == "test-push" else verb) in done.stderr.partition("is now: ")[2]


@pytest.mark.parametrize(
    ("module", "command"),
    [
        *(("operate", "status"), ("release", "release"), ("review", "review"), ("review.cost", "cost")),
        *(("gate", "policy"), ("drills", "drill"), ("local", "local up"), ("local.demo", "demo")),
    ],
)
def test_an_old_program_names_the_new_command(module: str, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--product", "allthrive"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"python -m {module} is now: {typed.program()} {command}")


# --- how the program is called ---------------------------------------------------------------------------------------


def installed(folder: Path) -> Path:
    """Creates a program `slipway` beside a Python; returns the Python."""
    folder.mkdir(parents=True)
    for name in ("python", "slipway"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder / "python"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("project/.venv/bin", "slipway"), ("", ".venv/bin/slipway"), ("other/bin", ".venv/bin/slipway")],
)
def test_the_program_is_called_as_this_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, expected: str
) -> None:
    python = installed(tmp_path / "project/.venv/bin")
    installed(tmp_path / "other/bin")
    monkeypatch.setenv("PATH", str(tmp_path / path) if path else "")
    monkeypatch.chdir(tmp_path / "project")
    assert typed.program(str(python)) == expected


def test_below_make_the_path_of_the_calling_shell_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = installed(tmp_path / ".venv/bin")
    monkeypatch.setenv("PATH", str(tmp_path / ".venv/bin"))
    monkeypatch.setenv("SLIPWAY_SHELL_PATH", "/usr/bin")
    monkeypatch.chdir(tmp_path)
    assert typed.program(str(python)) == ".venv/bin/slipway"


def test_the_installed_program_finds_its_checkout() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import paths; print(paths.ROOT)"], cwd="/", capture_output=True, text=True, check=True
    )
    assert (Path(done.stdout.strip()) / "app.py").is_file()


def test_a_program_that_is_not_installed_is_called_by_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert typed.program(str(tmp_path / "my python")) == "'my python' -m slipway_cli"


def test_an_unknown_error_of_the_sdk_is_no_traceback(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def client(*_given: object, **_more: object) -> object:
        raise exceptions.BotoCoreError

    monkeypatch.setattr(boto3, "client", client)
    assert failure("status")[0] == 1


def test_a_repeated_command_has_the_new_value_once() -> None:
    for words in (["logs", "production", "web", "--since", "x"], ["logs", "production", "web", "--since=x"]):
        typed.INVOCATION.begin(words)
        assert typed.again(since="10m") == f"{typed.program()} logs production web --since 10m"
