"""Reads a product's version from the file that holds it, as builds/image.yml does."""

from __future__ import annotations

import json
import re
import tomllib

_LONGEST = 60  # characters, as in a tag of builds/image.yml
_PYTHON = re.compile(r"""^__version__[^=\n]*=\s*["']([^"']+)["']""", re.MULTILINE)


def version_in(path: str, text: str) -> str:
    """Returns the version in a file, with `-` in place of characters that a tag cannot have.

    Raises:
        ValueError: if the file holds none; the message says what to write.
    """
    found = _found(path, text)
    version = re.sub(r"[^A-Za-z0-9_.-]", "-", found).lstrip(".-")[:_LONGEST]
    if not version:
        raise ValueError(f'no version in {path}; write one: [project] version = "1.0.0"')
    return version


def following(version: str) -> str:
    """Returns an example of the next version: the last number is raised."""
    head, number, tail = re.fullmatch(r"(.*?)(\d*)(\D*)", version, re.DOTALL).groups()  # type: ignore[union-attr] # every text matches
    return f"{head}{int(number) + 1}{tail}" if number else f"{version}.1"


def _found(path: str, text: str) -> str:
    try:
        if path.endswith(".toml"):
            table = tomllib.loads(text)
            value = table.get("project", {}).get("version") or table.get("tool", {}).get("poetry", {}).get("version")
        elif path.endswith(".json"):
            value = json.loads(text).get("version")
        else:
            match = _PYTHON.search(text)
            value = match[1] if match else None
    except (ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    return value if isinstance(value, str) else ""
