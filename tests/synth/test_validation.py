"""What CDK's own validation says, as a user asks it; every other tool is asked by `make policy`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from paths import ROOT
from tests.support.synthesis import PRODUCTS

CDK = ROOT / "node_modules" / ".bin" / "cdk"
# `make policy` asks it in one synth; here it is asked as a user asks it.
ASKED_BY_THE_GATE_TOO = pytest.mark.long


@ASKED_BY_THE_GATE_TOO
@pytest.mark.parametrize("product", PRODUCTS)
def test_the_cli_synthesises_with_validation_on_and_nothing_to_say(tmp_path: Path, product: str) -> None:
    done = subprocess.run(
        [str(CDK), "synth", "--quiet", "--strict", "-c", f"product={product}", "--output", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"(?i)\b(warning|error)\b", done.stdout + done.stderr)
