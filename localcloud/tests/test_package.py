"""What is installed beside the Python modules: programs and files that the cloud gives to shells, builds and git."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import localcloud
from localcloud import shell

PACKAGE = Path(localcloud.__file__).parent


@pytest.mark.parametrize(
    "program",
    ["bin/aws", "bin/localcloud-docker", "bin/session-manager-plugin", "github/hooks/post-receive"],
)
def test_programs_are_installed_so_that_they_can_be_run(program: str) -> None:
    assert os.access(PACKAGE / program, os.X_OK)


@pytest.mark.parametrize(
    "file",
    [
        "bin/localhost-names.cjs",
        "bin/relay.py",
        "cloudformation/handlers.json",
        "codebuild/image/Dockerfile",
        "codebuild/shell/run.sh",
        "codebuild/shell/step.bash",
        "codebuild/shell/step.sh",
        "github/hooks/announce.py",
        "py.typed",
    ],
)
def test_files_of_the_package_are_installed(file: str) -> None:
    assert (PACKAGE / file).is_file()


def test_a_shell_gets_its_programs_from_the_package() -> None:
    assert shell.BIN == PACKAGE / "bin"
