"""Reads the buildspecs of this folder. Pure: depends on no environment and no network, only on the files."""

from __future__ import annotations

import base64
import bz2
import difflib
import json
import shlex
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).resolve().parent
_UNPACK = (
    "import base64, bz2, json, sys; "
    "[open(sys.argv[1] + '/' + name, 'w', encoding='utf-8').write(text) "
    "for name, text in json.loads(bz2.decompress(base64.b64decode(sys.stdin.read()))).items()]"
)


class BuildError(Exception):
    """A build cannot be run; the message says why, and what to type instead."""


def names() -> list[str]:
    """Returns the names of all builds."""
    return sorted(path.stem for path in _FOLDER.glob("*.yml"))


def buildspec(name: str) -> dict[str, Any]:
    """Returns the buildspec of a build.

    Raises:
        BuildError: if there is no build of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        raise BuildError(f"no build '{name}'; {meant}builds: {', '.join(names())}")
    return deepcopy(_read(name))


def program(file: str) -> Path:
    """Returns the path of a program that builds include: `include: [a.py]` among the commands writes `$WORK/a.py`.

    Most are in `programs/`. site_files.py, which stacks and releases import as well, is a module of this package.
    """
    inner = _FOLDER / "programs" / file
    return inner if inner.exists() else _FOLDER / file


@cache
def _read(name: str) -> dict[str, Any]:
    """Reads a file once per process: many builds use the same one, and parsing took a twelfth of a synth."""
    # PyYAML's wheels contain libyaml, which is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    spec: dict[str, Any] = yaml.load((_FOLDER / f"{name}.yml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe
    for phase in spec["phases"].values():
        phase["commands"] = [_written(command) for command in phase["commands"]]
    return spec


def _written(command: str | dict[str, list[str]]) -> str:
    """Returns a command, or the one that writes the programs it includes: CodeBuild has only the product's source.

    They are packed, since a template has at most a megabyte. bzip2 gives equal bytes on every machine; zlib does not.
    """
    if isinstance(command, str):
        return command
    texts = {file: program(file).read_text(encoding="utf-8") for file in command["include"]}
    packed = base64.b64encode(bz2.compress(json.dumps(texts).encode())).decode()
    return f"python3 -c {shlex.quote(_UNPACK)} \"$WORK\" {' '.join(texts)} <<<'{packed}'"
