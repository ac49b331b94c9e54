"""Writes a manifest: YAML in the style of products/, with a comment behind each guess.

PyYAML, which is pinned for the loader, writes no comments; a second library for a dozen forms is not worth its pin.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway_cli.errors import usage
from slipway_cli.texts import plain

_WIDTH = 118
_COLUMN = 40
_PLAIN = re.compile(r"^-{0,2}[A-Za-z0-9_/.][A-Za-z0-9_/.*@+-]*$")
_FLOW_ITEMS = 6
_RESOLVER, _TEXT = yaml.resolver.Resolver(), "tag:yaml.org,2002:str"


@dataclass(frozen=True)
class Said:
    """A value with the reason for it."""

    value: Any
    why: str


def bare(value: Any) -> Any:
    """Returns a value without reasons."""
    if isinstance(value, Said):
        return bare(value.value)
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items()}
    return [bare(inner) for inner in value] if isinstance(value, list | tuple) else value


def text(manifest: dict[str, Any], head: list[str]) -> str:
    """Returns the text of a manifest, after comment lines."""
    lines = [f"# {line}" for line in head]
    after = 0
    for key, value in manifest.items():
        block = list(_lines(key, value, 0))
        apart = len(block) > 1 or after > 1
        if apart and lines and not lines[-1].startswith("#"):
            lines.append("")
        lines += block
        after = len(block)
    return "\n".join(lines) + "\n"


def _lines(key: str, value: Any, depth: int) -> Iterator[str]:
    why = value.why if isinstance(value, Said) else ""
    inner = value.value if isinstance(value, Said) else value
    start = f"{'  ' * depth}{scalar(key)}:"
    flow = None if depth == 0 and _is_table(inner) else _flow(inner)
    if flow is not None and len(start) + len(flow) < _WIDTH:
        yield from _commented(f"{start} {flow}", why, depth)
    elif isinstance(inner, dict):
        yield from _commented(start, why, depth)
        for name, below in inner.items():
            yield from _lines(str(name), below, depth + 1)
    elif isinstance(inner, list | tuple):
        yield from _commented(start, why, depth)
        for below in inner:
            yield f"{'  ' * (depth + 1)}- {_flow(below) or scalar(below)}"
    else:
        yield from _commented(f"{start} {scalar(inner)}", why, depth)


def _is_table(value: Any) -> bool:
    """True for names with sections, such as `services`: each has its own line."""
    return isinstance(value, dict) and any(isinstance(inner, dict) and inner for inner in value.values())


def _commented(line: str, why: str, depth: int) -> Iterator[str]:
    """Yields a line with its reason behind it, or above it if both are too long."""
    if not why:
        yield line
        return
    comment = f"# {plain(why)}"
    column = max(len(line) + 2, _COLUMN)
    if column + len(comment) <= _WIDTH:
        yield f"{line:<{column}}{comment}"
    else:
        yield f"{'  ' * depth}{comment}"
        yield line


def _flow(value: Any) -> str | None:
    """Returns a value on one line; None if it should have several, or has reasons in it."""
    if isinstance(value, dict):
        if not value:
            return "{}"
        pairs = [(scalar(str(key)), _flow(inner)) for key, inner in value.items()]
        if len(pairs) > _FLOW_ITEMS or any(inner is None for _, inner in pairs):
            return None
        return "{" + ", ".join(f"{key}: {inner}" for key, inner in pairs) + "}"
    if isinstance(value, list | tuple):
        parts = [_flow(inner) for inner in value]
        return None if any(part is None for part in parts) else "[" + ", ".join(str(part) for part in parts) + "]"
    return None if isinstance(value, Said) else scalar(value)


def scalar(value: Any) -> str:
    """Returns a plain value as YAML, in quotes if it could be read as anything else."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    found = str(value)
    kind = _RESOLVER.resolve(yaml.ScalarNode, found, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's stubs
    if kind == _TEXT and _PLAIN.match(found):
        return found
    return json.dumps(found, ensure_ascii=not found.isprintable())


def write(path: Path, content: str, *, force: bool) -> None:
    """Write a file at once: it exists with this content, or as it was before.

    Raises:
        CommandError: if it exists, unless `force` is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        written.chmod(0o644)
        if force:
            written.replace(path)
        else:
            os.link(written, path)  # fails if the file exists, even if another program made it just now
    except FileExistsError:
        raise usage(f"{path} exists", "use --force to replace it, or --name for another one") from None
    finally:
        written.unlink(missing_ok=True)
