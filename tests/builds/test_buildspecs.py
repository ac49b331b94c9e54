"""Every buildspec meets the requirements of CodeBuild, of the local cloud and of its readers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import builds
from builds.buildspecs import BuildError

FOLDER = Path(builds.__file__).parent
BUILDS = ["backend", "browser", "bundle", "e2e", "frontend", "image", "migrations", "publish-frontend", "scan", "seo"]
# Variables that CodeBuild, bash, the AWS CLI and docker set or read themselves.
GIVEN = re.compile(r"^(CODEBUILD_\w+|AWS_\w+|DOCKER_BUILDKIT|BASH_REMATCH|SECONDS|LC_ALL|PATH)$")
FILE = re.compile(r'^cat >"\$WORK/([\w.-]+)" <<\'(BASH|PYTHON)\'\n(.*)^\2$', re.DOTALL | re.MULTILINE)


def commands(name: str) -> list[str]:
    phases: dict[str, Any] = builds.buildspec(name)["phases"]
    return [command for phase in phases.values() for command in [*phase["commands"], *phase.get("finally", [])]]


def programs(name: str) -> list[tuple[str, str, str]]:
    """Returns the programs that a buildspec writes to files: file, language, text."""
    return [(found[1], found[2], found[3]) for command in commands(name) for found in FILE.finditer(command)]


def test_these_are_the_builds() -> None:
    assert builds.names() == BUILDS


def test_an_unknown_build_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BuildError, match=r"no build 'fronted'; did you mean 'frontend'\? builds: backend, browser"):
        builds.buildspec("fronted")


def test_reading_buildspecs_needs_no_cdk() -> None:
    code = "import sys, builds, builds.run; builds.buildspec('image'); sys.exit('aws_cdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, check=False).returncode == 0


@pytest.mark.parametrize("name", BUILDS)
def test_a_buildspec_begins_with_a_comment_that_describes_it(name: str) -> None:
    lines = (FOLDER / f"{name}.yml").read_text(encoding="utf-8").splitlines()
    comment = lines[: next(index for index, line in enumerate(lines) if not line.startswith("#"))]
    assert 3 <= len(comment) <= 6


@pytest.mark.parametrize("name", BUILDS)
def test_codebuild_can_read_it(name: str) -> None:
    spec = builds.buildspec(name)
    assert spec["version"] == 0.2
    assert spec["env"]["shell"] == "bash"
    assert set(spec) <= {"version", "env", "phases", "reports", "artifacts", "cache"}
    assert all(isinstance(value, str) for value in spec["env"]["variables"].values())
    assert all(isinstance(command, str) for command in commands(name))
    # A CloudFormation template holds all of them, and has at most a megabyte.
    assert (FOLDER / f"{name}.yml").stat().st_size < 20_000


@pytest.mark.parametrize("name", BUILDS)
def test_it_uses_no_variable_that_it_does_not_declare(name: str) -> None:
    text = "\n".join(commands(name))
    used = set(re.findall(r"\$\{?[#!]?([A-Z][A-Z0-9_]+)", text))
    here = set(re.findall(r"(?:^|[\s;(])(?:export |local )?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    planned = set(re.findall(r"\b([A-Z]+_[A-Z]+) \"", text)) if name == "image" else set()  # it writes $WORK/plan
    declared = set(builds.buildspec(name)["env"]["variables"])
    unknown = {variable for variable in used - here - planned - declared if not GIVEN.match(variable)}
    assert unknown - {"REPORTS"} == set()  # a product's test command reads it


@pytest.mark.parametrize("name", BUILDS)
def test_it_declares_no_variable_that_it_does_not_use(name: str) -> None:
    text = "\n".join(commands(name))
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
    cleaning = [command for command in builds.buildspec(name)["phases"]["build"]["finally"] if "clean" in command]
    assert cleaning


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
                "--exclude=SC2034",
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
            for sentence in re.findall(r'fail "((?:[^"\\]|\\.)*)"', text):
                assert re.search(r"[.?:;]| and ", sentence), sentence


def test_builds_with_the_same_packages_share_their_cached_layers() -> None:
    def first_stages(name: str) -> set[str]:
        text = "\n".join(commands(name))
        return set(re.findall(r"AS dependencies\n(.*?)FROM dependencies", text, re.DOTALL))

    python, node = first_stages("backend"), first_stages("frontend")
    assert first_stages("bundle") == node == first_stages("e2e")
    assert first_stages("browser") == python | node
