"""The output of `slipway demo`, and the product that it starts."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from paths import ROOT
from tests.end_to_end.allthrive.conftest import AllThrive
from tests.end_to_end.allthrive.test_documented_commands import SEED, TASK_ARN

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


def test_an_interrupted_demo_says_how_to_continue_and_succeeds_the_second_time(allthrive: AllThrive) -> None:
    assert allthrive.interrupted.returncode == 130
    assert re.search(
        r"To continue: \S.* demo allthrive\. To remove everything: \S.* local down", allthrive.interrupted.stdout
    )
    assert "Traceback" not in allthrive.interrupted.stdout + allthrive.interrupted.stderr
    assert set(allthrive.urls) == {"staging", "production"}


def advised(allthrive: AllThrive) -> list[str]:
    """The commands that the demo's last words advise, in order."""
    farewell = allthrive.output[allthrive.output.index("\nNext:") :].partition(" local status shows what runs")[0]
    return [line.strip() for line in farewell.splitlines() if re.match(r"  \S", line)]


def test_the_demo_ends_with_the_addresses_what_to_type_and_where_the_time_went(allthrive: AllThrive) -> None:
    words = ["status", "git", "follow", "approve", "rollback", "logs"]
    commands = advised(allthrive)
    assert len(commands) == len(words)
    assert all(word in command for word, command in zip(words, commands, strict=True)), commands
    assert "push origin main" in commands[1]
    assert "s in total; slowest: " in allthrive.output


def test_the_commands_work_as_printed_in_a_shell_where_nothing_was_sourced(allthrive: AllThrive) -> None:
    status, logs = advised(allthrive)[0], advised(allthrive)[-1]
    environment = {**os.environ, **allthrive.cloud.settings.environment()}

    done = subprocess.run(
        ["bash", "-c", f"{status} && timeout 15 {logs}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert "local cloud, account 111122223333, us-east-1\nallthrive-" in done.stdout, done.stderr
    assert "GET /api/v1/health/" in done.stdout


def test_the_end_to_end_tests_pass_in_a_browser(allthrive: AllThrive, tmp_path: Path) -> None:
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
