"""Compares the verdicts with `cdk diff`. The table lists each disagreement, and why our verdict is right."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from paths import ROOT
from tests.slipway_cli.review.pairs import Pair, access, pairs, report, verdict

PAIRS = pairs()
_LINE = re.compile(r"^\[([+~-])\] \S+ (.+?)(?: (replace|may be replaced|destroy|orphan))?$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Our verdicts that `cdk diff` does not distinguish.
_SAME = {"interruption": "in place", "nothing": "in place"}


def diff(folder: Path, pair: Pair) -> str:
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/us-east-1",
        "properties": {"templateFile": "s.template.json", "stackName": "shop-data"},
        "displayName": "s",
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "50.0.0", "artifacts": {"s": artifact}}))
    (folder / "s.template.json").write_text(json.dumps(pair.after))
    (folder / "before.json").write_text(json.dumps(pair.before))
    run = subprocess.run(
        [
            ROOT / "node_modules/.bin/cdk",
            "diff",
            "--app",
            folder,
            "--template",
            folder / "before.json",
            "--no-color",
            "s",
        ],
        env={**os.environ, "CDK_DISABLE_CLI_TELEMETRY": "true", "HOME": str(folder), "CI": "true"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return _COLOUR.sub("", run.stdout + run.stderr)


def diff_verdict(output: str, logical_id: str) -> str:
    """Returns the verdict of `cdk diff` on a resource, in the table's words."""
    for sign, name, how in _LINE.findall(output):
        if name.split()[-1] == logical_id:
            words: dict[str, str] = {
                "replace": "replacement",
                "may be replaced": how,
                "+": "added",
                "-": "removed",
                "~": "in place",
            }
            return words.get(how) or words[sign]
    return "none"


def diff_access(output: str) -> str:
    """Returns `grows` if the tables of IAM and security groups have an added row."""
    return "grows" if re.search(r"^│ \+ │", output, re.MULTILINE) else "none"


@pytest.mark.long
@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_cdk_diff_says_the_same_or_the_table_says_why_not(pair: Pair, tmp_path: Path) -> None:
    ours = report(pair.before, pair.after)
    own = verdict(ours, pair.resource)
    expected = (
        pair.cdk.get("verdict", _SAME.get(own, own)),
        pair.cdk.get("access", "grows" if access(ours) in ("grows", "both") else "none"),
    )

    output = diff(tmp_path, pair)

    assert (diff_verdict(output, pair.resource), diff_access(output)) == expected, output
