"""The manifest that `slipway init` writes for the project carries it, unedited, to a served page and a pushed release.

The product's other tests run in a copy of this repository, whose manifest of the project is the written one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paths import ROOT

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

ANSWERS = [
    *("--name", "bookstall", "--account", "222233334444", "--region", "us-east-1"),
    *("--repository", "bookstall/bookstall", "--owner-id", "90000003", "--repository-id", "700000003"),
    *("--email", "ops@bookstall.example", "--domain", "bookstall.example", "--hosted-zone", "Z0BOOKSTALL"),
]
LONGEST = 1500  # seconds, on a machine that runs other tests at the same time


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Path:
    """Returns a copy of the repository's files, with the packages that are installed here."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    folder = tmp_path / "slipway"
    folder.mkdir()
    archive = ["tar", "--create", "--null", "--files-from=-", "--ignore-failed-read"]
    packed = subprocess.run(archive, cwd=ROOT, input=tracked, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract"], cwd=folder, input=packed, check=True)
    for installed in (".venv", "node_modules"):
        (folder / installed).symlink_to(ROOT / installed)
    return folder


def test_the_written_manifest_serves_the_project_and_releases_a_push(copy: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (copy / "localcloud" / "src", copy)))}

    def run(*words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

    run("slipway_cli", "init", "examples/bookstall", *ANSWERS, "--yes")
    assert (copy / "products" / "bookstall.yaml").is_file()
    run("pytest", "--quiet", "--numprocesses=0", "tests/end_to_end/bookstall/test_bring_your_own.py")
