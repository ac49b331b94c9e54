"""Advice after a failure follows from the log, and secrets do not reach it.

captured.txt has logs, each line after `|`, and the advice on them. Installs were captured on 2026-11-30; the texts of
rate limits, of refused credentials and of BuildKit are as their documentation shows them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import build_log
from builds.buildspecs import program

_BLOCKS = Path(__file__).with_name("captured.txt").read_text(encoding="utf-8").strip().split("\n\n")
INSTALL = [
    (re.sub(r"^\| ?", "", block.rpartition("\n")[0], flags=re.MULTILINE), block.rpartition("\n")[2])
    for block in _BLOCKS
]


@pytest.mark.parametrize(("log", "advice"), INSTALL)
def test_advice_names_the_cause_that_the_log_proves(log: str, advice: str) -> None:
    assert advice in build_log.explain(log, "install", "")


@pytest.mark.parametrize(
    ("log", "advice"),
    [
        ('npm error Missing script: "lint"\n', "package.json has no script lint."),
        (" ERR_PNPM_NO_SCRIPT  Missing script: lint\n", "package.json has no script lint."),
        ('error Command "lint" not found.\n', "package.json has no script lint."),
        ('error: Script not found "lint"\n', "package.json has no script lint."),
        ("> eslint .\n\nsh: 1: eslint: not found\n", "There is no program eslint in the image."),
        ("bash: line 1: ruff: command not found\n", "There is no program ruff in the image."),
        ("/venv/bin/python: No module named coverage\n", "The module coverage is not installed."),
        (
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            "Node.js ran out of memory.",
        ),
    ],
)
def test_advice_on_a_command_comes_from_the_shell_and_the_package_manager(log: str, advice: str) -> None:
    assert advice in build_log.explain(log, "command", "")


@pytest.mark.parametrize("log", [log for log, _ in INSTALL if "[Errno 28]" not in log and "ENOSPC" not in log])
def test_what_a_test_prints_about_networks_and_registries_is_not_taken_for_a_cause(log: str) -> None:
    if "sh: 1:" not in log:
        assert (
            build_log.explain(log, "command", "The failing tests are named above.")
            == "The failing tests are named above."
        )


def test_a_log_without_a_known_cause_keeps_the_advice_of_the_build() -> None:
    assert build_log.explain("something else went wrong", "install", "It says why above.") == "It says why above."


@pytest.mark.parametrize("hint", build_log.hints(), ids=lambda hint: str(hint[1][0]))
def test_a_hint_is_a_sentence_and_uses_only_groups_that_all_its_patterns_have(hint: build_log.Hint) -> None:
    section, patterns, advice = hint
    assert section in ("command", "install")
    assert advice.endswith((".", "…."))
    for pattern in patterns:
        assert "{" not in build_log._filled(advice, ["x"] * re.compile(pattern).groups)


def keep(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch, **secrets: str) -> str:
    """Returns what the log shows of a text, after checking that the kept file has the same."""
    monkeypatch.setenv("SECRETS", " ".join(secrets))
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    words = [sys.executable, str(program("build_log.py")), "keep", str(tmp_path / "log")]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=True)
    assert (tmp_path / "log").read_text() == done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("npm_abcdef123456", "token npm_abcdef123456 sent"),
        (
            "https://user:p%40ss-word@pypi.example.com/simple",
            "Looking in https://user:p%40ss-word@pypi.example.com/simple",
        ),
        ("https://user:long-password@pypi.example.com/simple", "retrying with long-password"),
        ("p@ss/word+1", "GET https://x/?token=p%40ss%2Fword%2B1"),
    ],
)
def test_no_secret_reaches_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, shown: str) -> None:
    text = keep(tmp_path, f"before\n{shown}\nafter\n", monkeypatch, TOKEN=value)
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "***" in text
    assert not any(part in text for part in ("npm_abcdef", "long-password", "p%40ss", value))


def test_text_that_is_not_utf_8_is_kept_too(tmp_path: Path) -> None:
    words = [sys.executable, str(program("build_log.py")), "keep", str(tmp_path / "log")]
    assert subprocess.run(words, input=b"caf\xe9\n", capture_output=True, check=True).stdout.decode() == "caf\ufffd\n"
