"""Functions that the programs of the builds share. The working directory is the product's checkout.

They run on CodeBuild's images and on laptops, so they need nothing but Python 3.9 and its standard library.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, NoReturn, Optional


def fail(message: str) -> NoReturn:
    """Ends the build with a message."""
    print(f"\nFAILED: {message}", file=sys.stderr)
    sys.exit(1)


def note(message: str) -> None:
    """Prints a line that does not end the build; standard output is read by the shell."""
    print(message, file=sys.stderr)


def upward(directory: str) -> Iterator[Path]:
    """Yields the folder and the folders above it up to the checkout, as relative paths."""
    folder = Path(os.path.normpath(directory))
    if folder.is_absolute() or ".." in folder.parts:
        fail(f"DIRECTORY is '{directory}'; write a folder below the root of the repository.")
    yield folder
    while folder != Path():
        folder = folder.parent
        yield folder


def nearest(directory: str, *names: str) -> Optional[Path]:
    """Returns the first of these files that is in the folder, else in the folders above it."""
    return next((folder / name for folder in upward(directory) for name in names if (folder / name).is_file()), None)


def read(path: Path) -> str:
    """Returns a text file; empty if there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def read_json(path: Path) -> Dict[str, Any]:
    """Returns a JSON object; empty if there is no such file."""
    try:
        value = json.loads(read(path) or "{}")
    except ValueError as error:
        fail(f"{path} is not JSON: {error}.")
    if not isinstance(value, dict):
        fail(f"{path} is not a JSON object.")
    return value


def tables(text: str) -> Dict[str, Dict[str, str]]:
    """Returns the tables of a TOML file, with the text of each value: `tomllib` came with Python 3.11."""
    found: Dict[str, Dict[str, str]] = {}
    table = found.setdefault("", {})
    for line in text.splitlines():
        header = re.match(r"^\s*\[+\s*([\w.\"'@/ -]+?)\s*\]+\s*(#.*)?$", line)
        entry = re.match(r"^\s*([\w.\"'-]+)\s*=\s*(.*?)\s*$", line)
        if header:
            table = found.setdefault(header[1].replace('"', "").replace("'", ""), {})
        elif entry:
            value = re.match(r"^([\"'])(.*?)\1", entry[2])
            table[entry[1].strip("\"'")] = value[2] if value else entry[2]
    return found


def asdf(directory: str, *tools: str) -> str:
    """Returns the version of a tool in `.tool-versions`, the file of asdf and mise; empty if it has none."""
    path = nearest(directory, ".tool-versions")
    found = re.search(rf"^(?:{'|'.join(tools)})[ \t]+(\S+)", read(path), re.MULTILINE) if path else None
    return found[1] if found else ""


def assignments(values: Mapping[str, str]) -> None:
    """Prints variables for the shell, which evaluates them."""
    for name, value in values.items():
        print(f"{name}={shlex.quote(value)}")
