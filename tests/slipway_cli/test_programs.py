"""What people start does not load the server: MiniStack takes a second, and its import makes every program log."""

from __future__ import annotations

import subprocess
import sys

import pytest

from paths import ROOT

PROGRAMS = (
    "slipway_cli.demo.__main__",
    "slipway_cli.console.__main__",
    "slipway_cli.operate.__main__",
    "slipway_cli.drills.__main__",
)
LOADED = "import importlib, sys; importlib.import_module(sys.argv[1]); print('ministack' in sys.modules)"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_people_start_does_not_load_the_server(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
