"""The command line does not import the server: importing MiniStack takes a second and configures logging."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAMS = ("localcloud.cli",)
LOADED = "import importlib, sys; importlib.import_module(sys.argv[1]); print('ministack' in sys.modules)"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_command_line_does_not_import_ministack(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
