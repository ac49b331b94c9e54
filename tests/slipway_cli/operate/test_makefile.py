"""Each verb is a make target, which hands over what was typed as it was typed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from paths import ROOT
from slipway_cli.operate.__main__ import _VERBS

TYPED: dict[str, tuple[list[str], list[str]]] = {
    "status": ([], []),
    "status of a flow": (["FLOW=main"], ["main"]),
    "start": (["FLOW=main"], ["main"]),
    "start of a commit": (["FLOW=main", "COMMIT=abc"], ["main", "--commit", "abc"]),
    "follow": (["FLOW=main", "RUN=0000"], ["main", "--run", "0000"]),
    "approve": (["STAGE=Approval"], ["--stage", "Approval"]),
    "reject": (['REASON=it\'s "bad"; $$(date) & co'], ["--reason", 'it\'s "bad"; $(date) & co']),
    "retry": (["FLOW=main"], ["main"]),
    "rollback": (["ENVIRONMENT=production", "TO=v1.2.0-abc1234"], ["production", "--to", "v1.2.0-abc1234"]),
    "stop": (["REASON=a b", "ABANDON=yes"], ["--reason", "a b", "--abandon"]),
}

# Under `make test` the outer make hands its own flags down.
_OUTSIDE_MAKE = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def test_every_verb_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z]+): setup  ## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(_VERBS) - targets == set()


@pytest.mark.parametrize("case", TYPED)
def test_a_target_hands_over_what_was_typed(tmp_path: Path, case: str) -> None:
    given, expected = TYPED[case]
    verb = case.split(maxsplit=1)[0]
    shown = tmp_path / "python"
    shown.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n", encoding="utf-8")
    shown.chmod(0o755)

    done = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "-o",
            ".venv/.ready",
            "-o",
            "node_modules/.ready",
            verb,
            f"BIN={tmp_path}",
            *given,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**_OUTSIDE_MAKE, "STAGE": "of something else", "RUN": "1", "FLOW": "" if given else "other"},
    )

    assert done.stdout.splitlines() == ["-m", "slipway_cli.operate", verb, "--product", "allthrive", *expected]
