"""Environment variables that override those of every build, in a file that the running cloud reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from localcloud.settings import Settings


def _file(chosen: Settings) -> Path:
    return chosen.state / "build-variables.json"


def write(chosen: Settings, variables: Mapping[str, str]) -> None:
    """Replace the variables for the next builds."""
    chosen.state.mkdir(parents=True, exist_ok=True)
    temporary = _file(chosen).with_suffix(".part")
    temporary.write_text(json.dumps(dict(variables), indent=2) + "\n", encoding="utf-8")
    temporary.replace(_file(chosen))


def read(chosen: Settings) -> dict[str, str]:
    """Returns the file's variables, overridden by those of `LOCALCLOUD_BUILD_VARIABLES`."""
    try:
        written = json.loads(_file(chosen).read_text(encoding="utf-8"))
    except FileNotFoundError:
        written = {}
    return {**written, **chosen.build_variables}
