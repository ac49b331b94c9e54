"""Reads our buildspecs. Pure: no environment, no network, nothing but the file."""

from __future__ import annotations

import difflib
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).resolve().parent


class BuildError(Exception):
    """A build that cannot be run; `str()` says why and what to type instead."""


def names() -> list[str]:
    """The builds there are."""
    return sorted(path.stem for path in _FOLDER.glob("*.yml"))


def buildspec(name: str) -> dict[str, Any]:
    """A build's file, parsed.

    Raises:
        BuildError: if there is no build of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        raise BuildError(f"no build '{name}'; {meant}builds: {', '.join(names())}")
    return deepcopy(_read(name))


@cache
def _read(name: str) -> dict[str, Any]:
    """Each file once: a product has many builds of one kind, and parsing them was a twelfth of a synth."""
    # libyaml, which PyYAML's wheels hold, is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    spec: dict[str, Any] = yaml.load((_FOLDER / f"{name}.yml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe
    return spec
