"""Every buildspec meets the requirements of CodeBuild, of the local cloud and of its readers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import builds
from builds.buildspecs import BuildError, program

FOLDER = Path(builds.__file__).parent
BUILDS = [
    "audit",
    "backend",
    "browser",
    "bundle",
    "compose",
    "e2e",
    "frontend",
    "image",
    "infrastructure-check",
    "infrastructure-deploy",
    "infrastructure-review",
    "infrastructure-synth",
    "kubernetes",
    "migrations",
    "publish-frontend",
    "scan",
    "seo",
    "smoke",
]
# Variables that CodeBuild, bash, the AWS CLI and docker set or read themselves.
GIVEN = re.compile(
    r"^(CODEBUILD_\w+|AWS_\w+|DOCKER_BUILDKIT|BASH_REMATCH|PIPENV_VERBOSITY|UV_\w+|VIRTUAL_ENV|DEBIAN_FRONTEND|BUILDKIT_PROGRESS|SECONDS|LC_ALL|PATH)$"
)
# What the programs that are included print for the shell, and what shell functions pass to each other.
PLANNED = {
    "ALSO", "COMMAND", "FOLDER", "JUNIT", "MANAGER", "NODE", "PYTHON", "REUSABLE", "RUN", "SCRIPTS", "SETUP", "WHERE",
}  # fmt: skip
FILE = re.compile(r'^cat >"\$WORK/([\w.-]+)" <<\'(BASH|PYTHON)\'\n(.*)^\2$', re.DOTALL | re.MULTILINE)


def included(name: str) -> list[str]:
    """Returns the names of the programs that a build includes."""
    commands = yaml.safe_load((FOLDER / f"{name}.yml").read_text())["phases"]["install"]["commands"]
    return [file for command in commands if isinstance(command, dict) for file in command["include"]]


def commands(name: str) -> list[str]:
    """Returns the commands of a build, with the text of the shell functions that it includes."""
    phases: dict[str, Any] = builds.buildspec(name)["phases"]
    texts = [program(file).read_text() for file in included(name) if file.endswith(".sh")]
    given = [command for phase in phases.values() for command in [*phase["commands"], *phase.get("finally", [])]]
    return [*texts, *(command for command in given if "base64" not in command)]


def programs(name: str) -> list[tuple[str, str, str]]:
    """Returns the programs that a buildspec writes to files: file, language, text."""
    here = [(found[1], found[2], found[3]) for command in commands(name) for found in FILE.finditer(command)]
    return here + [
        (file, "BASH" if file.endswith(".sh") else "PYTHON", program(file).read_text())
        for file in included(name)
        if file.endswith((".sh", ".py"))
    ]


def test_these_are_the_builds() -> None:
    assert builds.names() == BUILDS


def test_an_unknown_build_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BuildError, match=r"no build 'fronted'; did you mean 'frontend'\? builds: audit, backend"):
        builds.buildspec("fronted")


def test_reading_buildspecs_needs_no_cdk() -> None:
    code = "import sys, builds, builds.run; builds.buildspec('image'); sys.exit('aws_cdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, check=False).returncode == 0


@pytest.mark.parametrize("name", BUILDS)
def test_a_buildspec_begins_with_a_comment_that_describes_it(name: str) -> None:
    lines = (FOLDER / f"{name}.yml").read_text(encoding="utf-8").splitlines()
    comment = lines[: next(index for index, line in enumerate(lines) if not line.startswith("#"))]
    assert 3 <= len(comment) <= 9


@pytest.mark.parametrize("name", BUILDS)
def test_codebuild_can_read_it(name: str) -> None:
    spec = builds.buildspec(name)
    assert spec["version"] == 0.2
    assert spec["env"]["shell"] == "bash"
    assert set(spec) <= {"version", "env", "phases", "reports", "artifacts", "cache"}
    assert all(isinstance(value, str) for value in spec["env"]["variables"].values())
    assert all(isinstance(command, str) for command in commands(name))
    # A CloudFormation template holds several of each, and has at most a megabyte.
    assert len(yaml.safe_dump(spec)) < 40_000


@pytest.mark.parametrize("name", BUILDS)
def test_it_uses_no_variable_that_it_does_not_declare(name: str) -> None:
    text = "\n".join(commands(name))
    used = set(re.findall(r"\$\{?[#!]?([A-Z][A-Z0-9_]+)", text))
    here = set(re.findall(r"(?:^|[\s;(])(?:export |local )?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    planned = set(re.findall(r"\b([A-Z]+_[A-Z]+) \"", text)) if name == "image" else PLANNED  # it writes $WORK/plan
    declared = set(builds.buildspec(name)["env"]["variables"])
    unknown = {variable for variable in used - here - planned - declared if not GIVEN.match(variable)}
    assert unknown - {"REPORTS"} == set()  # a product's test command reads it


@pytest.mark.parametrize("name", BUILDS)
def test_it_declares_no_variable_that_it_does_not_use(name: str) -> None:
    text = "\n".join([*commands(name), *(program(file).read_text() for file in included(name))])
    declared = builds.buildspec(name)["env"]["variables"]
    unused = {variable for variable in declared if not re.search(rf"\b{variable}\b", text)}
    assert unused == set()


@pytest.mark.parametrize("name", BUILDS)
def test_its_containers_need_no_machine_of_their_own(name: str) -> None:
    text = "\n".join(commands(name))
    assert not re.findall(r"--(?:volume|mount type=bind|publish|privileged|net(?:work)?[ =]host|ipc)\b", text)
    assert not re.findall(r"docker (?:run|create)[^\n]* -[vp] ", text)


@pytest.mark.parametrize("name", [name for name in BUILDS if "docker run" in "\n".join(commands(name))])
def test_its_containers_are_removed_whatever_happens(name: str) -> None:
    assert "pre_build" not in builds.buildspec(name)["phases"]  # nothing runs after it has failed
    (cleaning,) = [command for command in builds.buildspec(name)["phases"]["build"]["finally"] if " end " in command]
    text = "\n".join(commands(name))
    started = re.findall(r"(?:node_part|python_part|own_part|start) ([a-z0-9]+)|--name \"\$NAME-([a-z0-9]+)\"", text)
    assert started
    assert {part or other for part, other in started} - {"part"} <= set(cleaning.split())


@pytest.mark.parametrize("name", BUILDS)
def test_its_programs_pass_shellcheck_or_compile(name: str) -> None:
    for file, language, text in programs(name):
        if language == "PYTHON":
            compile(text, file, "exec")
            continue
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("shellcheck")),
                "--shell=bash",
                "--severity=warning",
                "--exclude=SC1090,SC2034",
                "-",
            ],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", BUILDS)
def test_every_failure_message_is_a_sentence(name: str) -> None:
    for _, language, text in programs(name):
        if language == "BASH":
            for sentence in re.findall(r'fail "((?:[^"\\$]|\\.|\$(?!1 ))*)"', text):
                assert re.search(r"[.?:;]| and ", sentence), sentence


def test_a_build_writes_the_programs_it_includes(tmp_path: Path) -> None:
    (unpack,) = [text for text in builds.buildspec("bundle")["phases"]["install"]["commands"] if "base64" in text]
    subprocess.run(["bash", "-c", unpack], env={**os.environ, "WORK": str(tmp_path)}, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(included("bundle"))
    assert all((tmp_path / name).read_bytes() == program(name).read_bytes() for name in included("bundle"))


@pytest.mark.parametrize("name", BUILDS)
def test_base_images_come_from_a_registry_without_an_anonymous_limit(name: str) -> None:
    """Docker Hub limits anonymous pulls, and CodeBuild's addresses are shared with others."""
    variables = builds.buildspec(name)["env"]["variables"]
    images = {variable: value for variable, value in variables.items() if variable.endswith("_IMAGE")}
    assert all(value.startswith(("public.ecr.aws/", "mcr.microsoft.com/")) for value in images.values()), images
