"""What a user sees of `make demo`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paths import ROOT
from tests.end_to_end.allthrive.conftest import AllThrive
from tests.end_to_end.allthrive.test_documented_commands import SEED, TASK_ARN

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


def test_an_interrupted_demo_says_how_to_go_on_and_ends_well_the_second_time(allthrive: AllThrive) -> None:
    assert allthrive.interrupted.returncode == 130
    assert "Nothing is lost: type make demo to go on" in allthrive.interrupted.stdout
    assert "Traceback" not in allthrive.interrupted.stdout + allthrive.interrupted.stderr
    assert set(allthrive.urls) == {"staging", "production"}


def test_the_demo_ends_with_the_addresses_three_commands_and_where_the_time_went(allthrive: AllThrive) -> None:
    farewell = allthrive.output[allthrive.output.index("\nNext:") :]
    commands, _, rest = farewell.partition("\nmake local-status")

    assert len([line for line in commands.splitlines() if line.startswith("  ")]) == 3
    assert "git push origin main" in rest
    assert "s in all; longest: " in rest


def test_the_three_commands_work_as_printed(allthrive: AllThrive) -> None:
    farewell = allthrive.output[allthrive.output.index("\nNext:") :].partition("\nmake local-status")[0]
    source, describe, tail = [line.strip() for line in farewell.splitlines() if line.startswith("  ")]

    done = allthrive.shell(f"{source} && {describe} && timeout 15 {tail}")

    assert '"rolloutState": "COMPLETED"' in done.stdout, done.stderr
    assert "GET /api/v1/health/" in done.stdout


def test_a_browser_sees_the_release_and_uses_all_of_it(allthrive: AllThrive, tmp_path: Path) -> None:
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no /usr/bin/chromium: apt-get install chromium")
    e2e = ROOT / "examples" / "allthrive" / "e2e"
    allthrive.shell(TASK_ARN + SEED)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=e2e, check=True, timeout=300)
    environment = {
        **os.environ,
        "BASE_URL": allthrive.urls["production"],
        "CHROMIUM_PATH": "/usr/bin/chromium",
        "E2E_OUTPUT": str(tmp_path),
        "NODE_OPTIONS": f"--require {ROOT / 'localcloud' / 'src' / 'localcloud' / 'bin' / 'localhost-names.cjs'}",
    }

    done = subprocess.run(
        ["npx", "playwright", "test"],
        cwd=e2e,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
