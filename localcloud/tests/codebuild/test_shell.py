"""The commands of a build share variables, working directory and options, and any of them may call exit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from localcloud.codebuild import container

SHELLS = pytest.mark.parametrize("shell", ["sh", "bash"])


class Agent:
    def __init__(self, folder: Path, shell: str) -> None:
        self._folder, self._shell, self._blocks = folder, shell, 0
        for script in container._SCRIPTS.iterdir():
            shutil.copy(script, folder)

    def run(self, *commands: str, succeeding: bool = True) -> tuple[int, str, str]:
        """Returns the exit code, the output without CodeBuild's own lines, and the failed command."""
        self._blocks += 1
        block = self._folder / "blocks" / str(self._blocks)
        block.mkdir(parents=True)
        for index, command in enumerate(commands):
            (block / f"{index:04}").write_text(command + "\n", encoding="utf-8")
        arguments = ["sh", str(self._folder / "run.sh"), self._shell, block.name, "1" if succeeding else "0"]
        ended = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=self._folder)
        kept = [line for line in ended.stdout.splitlines() if not line.startswith("[Container]")]
        return ended.returncode, "\n".join(kept), ended.stderr


@SHELLS
def test_a_variable_stays_exported_only_if_it_was_exported(tmp_path: Path, shell: str) -> None:
    code, output, _failed = Agent(tmp_path, shell).run(
        'PLAIN="it\'s"; export OUT="two  words"', 'printf "%s|%s|" "$PLAIN" "$OUT"; env | grep -c "^PLAIN=" || :'
    )
    assert (code, output) == (0, "it's|two  words|0")


@SHELLS
def test_a_value_keeps_its_newlines(tmp_path: Path, shell: str) -> None:
    _code, output, _failed = Agent(tmp_path, shell).run('A="1\n2"', 'printf "<%s>" "$A"')
    assert output.endswith("<1\n2>")


@SHELLS
def test_the_working_directory_is_kept_in_the_next_phase(tmp_path: Path, shell: str) -> None:
    agent = Agent(tmp_path, shell)
    agent.run("mkdir -p inside && cd inside")
    assert agent.run("pwd")[1] == str(tmp_path / "inside")


@SHELLS
def test_the_first_failed_command_ends_the_block_and_is_named(tmp_path: Path, shell: str) -> None:
    code, output, failed = Agent(tmp_path, shell).run("echo one", "(exit 3)", "echo three")
    assert (code, output, failed) == (3, "one", "0001")


@SHELLS
def test_exit_ends_the_command_and_keeps_the_state(tmp_path: Path, shell: str) -> None:
    agent = Agent(tmp_path, shell)
    assert agent.run("A=kept; exit 7")[0] == 7
    assert agent.run("echo $A")[1] == "kept"


@SHELLS
def test_shell_options_are_kept(tmp_path: Path, shell: str) -> None:
    code, output, _failed = Agent(tmp_path, shell).run("set -e", "false; echo on")
    assert (code, output) == (1, "")


@SHELLS
def test_commands_see_in_a_variable_if_the_build_is_succeeding(tmp_path: Path, shell: str) -> None:
    agent = Agent(tmp_path, shell)
    show = "echo $CODEBUILD_BUILD_SUCCEEDING"
    assert agent.run(show)[1] == "1"
    assert agent.run(show, succeeding=False)[1] == "0"


def test_bash_functions_are_kept(tmp_path: Path) -> None:
    assert Agent(tmp_path, "bash").run("hello() { echo hello; }", "hello")[1] == "hello"


@SHELLS
def test_stderr_of_a_command_is_part_of_its_output(tmp_path: Path, shell: str) -> None:
    assert Agent(tmp_path, shell).run("echo oops >&2") == (0, "oops", "")
