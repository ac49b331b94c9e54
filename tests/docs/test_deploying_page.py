"""The way from an empty account to the first release has at most eight commands, and each of them exists."""

from __future__ import annotations

import re
import shlex

import pytest
import typer.main

from paths import ROOT
from slipway_cli.main import app

PAGE = (ROOT / "docs" / "deploying-to-aws.md").read_text(encoding="utf-8")
MOST = 8


def section(title: str) -> str:
    """Returns a section of the page, without its heading."""
    return re.split(r"^## ", PAGE.partition(f"## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def typed(text: str) -> list[str]:
    """Returns every command in the shell blocks of a text; several in one line count each."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.shlex(line, posix=True, punctuation_chars=True)
            words.whitespace_split = True
            command: list[str] = []
            for word in words:
                if set(word) <= set("|&;"):
                    found.append(shlex.join(command))
                    command = []
                else:
                    command.append(word)
            found.append(shlex.join(command))
    return [command for command in found if command]


USUAL = typed(section("1. The usual path"))


def test_the_usual_path_has_at_most_eight_commands() -> None:
    assert USUAL[0] == "make setup"
    assert USUAL[-1].startswith("slipway start")
    assert len(USUAL) <= MOST


def test_commands_in_one_line_are_counted_each() -> None:
    assert typed("```sh\nmake setup && aws sts x  # a comment\ncat a | sort; ls\n```\n```yaml\nno: command\n```") == [
        "make setup",
        "aws sts x",
        "cat a",
        "sort",
        "ls",
    ]


@pytest.mark.parametrize("command", [command for command in typed(PAGE) if command.startswith("slipway ")])
def test_a_command_of_the_page_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    group = typer.main.get_command(app)
    found = group.commands[words[0]]  # type: ignore[attr-defined]  # a group, as typer makes it of several commands
    options = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


def test_every_group_of_checks_is_in_the_table() -> None:
    """The table names what doctor checks, so that what it cannot check is all that is left to the reader."""
    from slipway_cli.doctor.registry import CHECKS  # noqa: PLC0415 - imports boto3, which the other tests do not need

    table = section("2. What `slipway doctor` checks").lower()
    names = {re.sub(r"^quota: .*", "quotas", check.name.lower()) for check in CHECKS}
    assert [name for name in sorted(names) if name.removesuffix(" of github") not in table] == []
