"""Changed copies of AllThrive's manifest, in the form that writes every key and uses no profile."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from products import ManifestError, Product, load
from products.loader import validated

ALLTHRIVE = Path(__file__).with_name("allthrive.yaml").read_text(encoding="utf-8")
REMOVED = None
NULL = "(null)"  # writes `key: null`, where REMOVED removes the key


def edited(*edits: tuple[str, str]) -> str:
    """Returns AllThrive's manifest as text, with replacements of texts that occur exactly once."""
    text = ALLTHRIVE
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in allthrive.yaml, expected once"
        text = text.replace(old, new)
    return text


def complaints(folder: Path, text: str, name: str = "allthrive") -> list[str]:
    """Returns the loader's problems with a manifest, one per line, without the folder."""
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    try:
        load(name, folder)
    except ManifestError as error:
        return str(error).replace(f"{folder}/", "").splitlines()
    return []


@cache
def _read() -> bytes:
    """Returns the data as bytes, since reading YAML takes fifty times as long as a copy."""
    return pickle.dumps(yaml.load(ALLTHRIVE, yaml.CSafeLoader))


def manifest(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns AllThrive's manifest as data, with values set (or REMOVED, or NULL) at dotted paths."""
    data: dict[str, Any] = pickle.loads(_read())
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        place = data
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is REMOVED:
            del place[last]
        else:
            place[last] = None if value == NULL else value
    return data


def product(changes: Mapping[str, Any] | None = None) -> Product:
    """Returns AllThrive with values set (or REMOVED) at dotted paths."""
    return validated(manifest(changes))
