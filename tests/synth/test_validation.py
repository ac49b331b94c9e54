"""What others say about the templates: cfn-lint, and CDK's own validation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.synthesis import PRODUCTS, ROOT, shipped

CDK = ROOT / "node_modules" / ".bin" / "cdk"
# `make policy` asks both in one synth; here they are asked as a user asks them.
ASKED_BY_THE_GATE_TOO = pytest.mark.long


@ASKED_BY_THE_GATE_TOO
@pytest.mark.parametrize("product", PRODUCTS)
def test_cfn_lint_finds_nothing_that_is_not_explained(product: str) -> None:
    templates = sorted(str(path) for path in shipped(product).folder.glob("assembly-*/*.template.json"))

    done = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), *templates],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(templates) >= 7
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_rule_that_cfn_lint_ignores_has_a_reason() -> None:
    lines = (ROOT / ".cfnlintrc").read_text(encoding="utf-8").splitlines()
    ignored = [line for line in lines if line.strip().startswith("- ")]

    assert ignored
    assert [line for line in ignored if not re.fullmatch(r" +- [EWI]\d{4}  # \S.{20,}", line)] == []


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
