"""Commands do not load the server: MiniStack takes a second to import, and makes every program log."""

from __future__ import annotations

import subprocess
import sys

import pytest

from paths import ROOT

PROGRAMS = (
    "slipway_cli.main",
    "slipway_cli.demo.command",
    "slipway_cli.console.alone",
    "slipway_cli.operate.following",
    "slipway_cli.drills.command",
)
LOADED = "import importlib, sys; importlib.import_module(sys.argv[1]); print('ministack' in sys.modules)"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_command_does_not_load_the_server(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


HEAVY = ("aws_cdk", "boto3", "docker", "localcloud", "pydantic", "rich.live")
HELP = "import sys; from slipway_cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"


def test_the_help_loads_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Approve" in done.stdout or "approve" in done.stdout
    assert [name for name in HEAVY if name in done.stderr.split()] == []
