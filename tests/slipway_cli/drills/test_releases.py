"""The migrations that drills write, and when a rollback counts as finished."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paths import ROOT
from slipway_cli.drills import releases
from slipway_cli.runs import Entry


@dataclass
class Listed:
    """A pipeline with a fixed list of runs."""

    runs: list[Entry]

    def entries(self, limit: int) -> list[Entry]:
        return self.runs[:limit]


def run(status: str, *, rollback: bool) -> Entry:
    row: dict[str, Any] = {"pipelineExecutionId": "x", "status": status}
    return Entry.of(row | ({"executionType": "ROLLBACK"} if rollback else {}))


@pytest.mark.parametrize(
    ("runs", "settled"),
    [
        ([run("InProgress", rollback=True)], False),
        ([run("Succeeded", rollback=True), run("InProgress", rollback=False)], True),
        ([], True),
    ],
    ids=["a rollback is in progress", "another run waits for an approval", "no run is in progress"],
)
def test_only_a_rollback_is_waited_for(runs: list[Entry], *, settled: bool) -> None:
    assert releases._settled(Listed(runs)) is settled  # type: ignore[arg-type]  # all it asks of a pipeline


@pytest.mark.parametrize(
    ("imports", "body"), [("", releases.FAILS), (releases.IMPORTS, releases.HANGS)], ids=["fails", "hangs"]
)
def test_a_drills_migration_passes_the_linters_of_the_example(imports: str, body: str, tmp_path: Path) -> None:
    backend = ROOT / "examples" / "allthrive" / "backend"
    planted = tmp_path / "catalog" / "migrations" / "0002_drill.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(releases.MIGRATION.format(imports=imports, body=body, before="0001_initial"))
    ruff = [str(Path(sys.executable).with_name("ruff")), "--config", str(backend / "pyproject.toml")]
    for verb in (["check"], ["format", "--check"]):
        done = subprocess.run([*ruff, *verb, str(planted)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
