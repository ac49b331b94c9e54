"""Reads compose files so that each value knows its line. Texts stay texts: compose has rules of its own for numbers.

Needs PyYAML, which the build installs into `$WORK/lib`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import yaml

# $VAR, ${VAR} and ${VAR:-default}; not $$, which is a dollar.
_VARIABLE = re.compile(r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)|\{(?P<named>[A-Za-z_]\w*)(?P<rest>[^}]*)\}?)")


class Table(Dict[str, Any]):
    """A mapping; `lines` has the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Dict[str, int] = {}


class Items(List[Any]):
    """A sequence; `lines` has the line of each item."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: List[int] = []


class _Loader(yaml.SafeLoader):
    pass


# Only `<<` keeps a meaning: with YAML 1.1's rules the port 22:22 would be a number.
_Loader.yaml_implicit_resolvers = {
    "<": [pair for pair in yaml.SafeLoader.yaml_implicit_resolvers["<"] if pair[0].endswith(":merge")]
}


def _table(loader: Any, node: Any) -> Table:
    loader.flatten_mapping(node)
    found = Table()
    for key, value in node.value:
        name = str(loader.construct_object(key, deep=True))
        found[name] = loader.construct_object(value, deep=True)
        found.lines[name] = key.start_mark.line + 1
    return found


def _items(loader: Any, node: Any) -> Items:
    found = Items()
    for item in node.value:
        found.append(loader.construct_object(item, deep=True))
        found.lines.append(item.start_mark.line + 1)
    return found


def _any(loader: Any, _suffix: str, node: Any) -> Any:
    """Constructs what has a tag, such as compose's !reset and !override."""
    if isinstance(node, yaml.MappingNode):
        return _table(loader, node)
    return _items(loader, node) if isinstance(node, yaml.SequenceNode) else loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _table)
_Loader.add_constructor("tag:yaml.org,2002:seq", _items)
_Loader.add_multi_constructor("!", _any)


@dataclass(frozen=True)
class Unreadable(Exception):  # noqa: N818 - the file is unreadable
    """A file is not YAML."""

    line: int
    why: str


@dataclass(frozen=True)
class Variable:
    """A variable in a text."""

    name: str
    optional: bool
    """True if the text says what to do without it."""


def read(path: Path) -> Table:
    """Returns a compose file.

    Raises:
        Unreadable: if it is not a YAML mapping.
    """
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, f"is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unreadable(1, f"is not YAML: {error}") from None
    if not isinstance(found, Table):
        raise Unreadable(1, "is not a mapping with services")
    return found


def texts(value: Any, line: int) -> Iterator[Tuple[str, int]]:
    """Yields all texts below a value, with their lines."""
    if isinstance(value, Table):
        for key, child in value.items():
            yield from texts(child, value.lines[key])
    elif isinstance(value, Items):
        for number, child in enumerate(value):
            yield from texts(child, value.lines[number])
    elif isinstance(value, str):
        yield value, line


def variables(text: str) -> Iterator[Variable]:
    """Yields the variables that compose replaces in a text."""
    for found in _VARIABLE.finditer(text):
        if found["plain"]:
            yield Variable(found["plain"], optional=False)
        elif found["named"]:
            rest = found["rest"]
            yield Variable(found["named"], optional=rest.startswith(("-", ":-", "+", ":+")))
            yield from variables(rest)


def table(value: Any, key: str) -> Table:
    """Returns a mapping below a key; an empty one if there is none."""
    found = value.get(key) if isinstance(value, Table) else None
    return found if isinstance(found, Table) else Table()


def listed(value: Any) -> Iterator[Tuple[Any, Optional[int]]]:
    """Yields the items of a sequence with their lines; a text counts as a sequence of one, without a line."""
    if isinstance(value, Items):
        for number, item in enumerate(value):
            yield item, value.lines[number]
    elif isinstance(value, str) and value:
        yield value, None
