"""The runner executes a buildspec as CodeBuild's agent does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from builds import script
from builds.buildspecs import BuildError
from builds.run import copy, main


def agent(tmp_path: Path, phases: dict[str, Any], exported: list[str] | None = None) -> tuple[int, str, dict[str, str]]:
    """Runs the phases; returns the exit code, the lines of `log` and the exported variables."""
    state, source = tmp_path / "state", tmp_path / "source"
    state.mkdir()
    source.mkdir()
    spec = {"env": {"exported-variables": exported or []}, "phases": phases}
    environment = {**os.environ, "BUILD_STATE": str(state), "LOG": str(tmp_path / "log")}
    done = subprocess.run(["bash", "-c", script.program(spec)], cwd=source, env=environment, check=False)
    log = (tmp_path / "log").read_text().replace("\n", " ").strip() if (tmp_path / "log").exists() else ""
    return done.returncode, log, {path.name: path.read_text() for path in (state / "exported").glob("*")}


def say(word: str) -> str:
    """Returns a command that adds a word to the log."""
    return f'echo {word} >>"$LOG"'


def phase(word: str, *commands: str, **more: Any) -> dict[str, Any]:
    """Returns a phase that adds a word to the log before its other commands."""
    return {"commands": [say(word), *commands], **more}


@pytest.mark.parametrize(
    ("failing", "phases_run"),
    [
        ("", "install pre_build build post_build"),
        ("install", "install"),
        ("pre_build", "install pre_build"),
        ("build", "install pre_build build post_build"),
        ("post_build", "install pre_build build post_build"),
    ],
)
def test_a_failed_phase_ends_the_build_but_post_build_follows_a_build(
    tmp_path: Path, failing: str, phases_run: str
) -> None:
    phases = {name: phase(name, *(["false", say("never")] if name == failing else [])) for name in script.PHASES}
    code, log, _ = agent(tmp_path, phases)
    assert (code, log) == (1 if failing else 0, phases_run)


def test_abort_skips_post_build(tmp_path: Path) -> None:
    phases = {"build": phase("build", "false", **{"on-failure": "ABORT"}), "post_build": phase("post_build")}
    assert agent(tmp_path, phases)[:2] == (1, "build")


def test_finally_runs_all_its_commands_after_a_failure(tmp_path: Path) -> None:
    phases = {"build": phase("build", "exit 3", **{"finally": ["false", say("cleaned")]})}
    assert agent(tmp_path, phases)[:2] == (1, "build cleaned")


def test_post_build_knows_if_the_build_succeeded(tmp_path: Path) -> None:
    show = 'echo "$CODEBUILD_BUILD_SUCCEEDING" >>"$LOG"'
    phases = {"pre_build": {"commands": [show]}, "build": phase("build", "false"), "post_build": {"commands": [show]}}
    assert agent(tmp_path, phases)[1] == "1 build 0"


def test_only_exported_variables_and_the_folder_outlive_a_command(tmp_path: Path) -> None:
    first = "set -e; export A='two words' ; B=lost; here() { :; }; mkdir -p sub; cd sub"
    second = 'echo "$A|${B-}|$(type -t here)|$(basename "$PWD")|$-" >>"$LOG"'
    _, log, exported = agent(tmp_path, {"build": {"commands": [first, second]}}, ["A", "MISSING"])
    assert log.startswith("two words|||sub|")
    assert "e" not in log.rpartition("|")[2]
    assert exported == {"A": "two words"}


def test_an_option_that_stops_at_the_first_failure_does_so_inside_a_command(tmp_path: Path) -> None:
    assert agent(tmp_path, {"build": {"commands": [f"set -e\nfalse\n{say('never')}"]}})[:2] == (1, "")


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_the_copy_has_what_git_would_commit(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "node_modules").mkdir(parents=True)
    (source / ".gitignore").write_text("node_modules/\n")
    (source / "node_modules" / "x.js").touch()
    (source / "deleted").touch()
    (source / "changed").write_text("before")
    git(source, "init")
    git(source, "add", ".")
    git(source, "commit", "-m", "x")
    (source / "deleted").unlink()
    (source / "changed").write_text("after")
    (source / "new").touch()
    copy(source, target)
    assert sorted(path.name for path in target.iterdir()) == [".gitignore", "changed", "new"]
    assert (target / "changed").read_text() == "after"


def test_without_git_the_copy_omits_installed_packages(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "node_modules").mkdir(parents=True)
    (source / "index.html").touch()
    copy(source, tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["index.html"]


def test_a_source_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="give the product's checkout with --source"):
        copy(tmp_path / "nowhere", tmp_path / "target")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "fronted", "--source", "."], "did you mean 'frontend'?"),
        (["run", "seo", "--source", "/nowhere"], "no folder /nowhere"),
        (["run", "seo", "--source", ".", "--set", "SITE"], "expected NAME=VALUE, got 'SITE'"),
    ],
)
def test_a_wrong_command_line_is_explained(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(words)
    except SystemExit as stopped:
        code = int(str(stopped.code))
    assert code == 2
    assert sentence in capsys.readouterr().err


def test_the_builds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "backend" in capsys.readouterr().out.split()
