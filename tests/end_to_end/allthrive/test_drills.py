"""Every drill on AllThrive, as `slipway drill` runs it: the promises of the runbook are kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from paths import ROOT
from slipway_cli.drills.book import DRILLS, Drill
from tests.end_to_end.allthrive.conftest import AllThrive

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_every_promise_of_the_drill_is_kept(allthrive: AllThrive, drill: Drill) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "slipway_cli", "drill", drill.name],
        cwd=ROOT,
        env={**os.environ, **allthrive.cloud.settings.environment()},
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert f"PASSED  {drill.name}" in done.stdout
