"""Runs CDK's own validation as a user does; `make policy` runs all other tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from paths import ROOT
from tests.support.synthesis import PRODUCTS

CDK = ROOT / "node_modules" / ".bin" / "cdk"
THE_GATE_RUNS_IT_TOO = pytest.mark.long


@THE_GATE_RUNS_IT_TOO
@pytest.mark.parametrize("product", PRODUCTS)
def test_the_cli_synthesizes_with_validation_without_messages(tmp_path: Path, product: str) -> None:
    done = subprocess.run(
        [str(CDK), "synth", "--quiet", "--strict", "-c", f"product={product}", "--output", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"(?i)\b(warning|error)\b", done.stdout + done.stderr)
