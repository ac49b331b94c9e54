"""Fake programs in Python that start fast: a test that starts dozens would spend most of its time on imports."""

from __future__ import annotations

import sys
from pathlib import Path

_LIGHT = Path(__file__).parent / "light"
_HEAD = f"#!{sys.executable} -SE\nimport os, sys\nsys.path.append({str(_LIGHT)!r})\nfrom light import Path, json\n"


def install(program: Path, body: str) -> None:
    """Writes a program; its code has `os`, `sys`, and `Path` and `json` of tests/support/light/light.py."""
    program.parent.mkdir(exist_ok=True)
    program.write_text(_HEAD + body)
    program.chmod(0o755)
