"""YAML that strangers wrote, as plain data: no tag is obeyed, and aliases cannot multiply what is read.

PyYAML composes the nodes, since it is pinned already and its nodes know their lines; nothing constructs objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from slipway_cli.errors import usage
from slipway_cli.init.tree import Place, Tree

MOST_VALUES = 20_000
_DEEPEST = 30
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq"))
Path = tuple[str, ...]


@dataclass
class Document:
    """The data of a YAML file, with lists, dictionaries with text as keys, text, numbers, booleans and None."""

    path: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    """Tags that were ignored, each with the line of the first."""

    def place(self, *keys: str) -> Place:
        """Returns the place of a key, or of the nearest one around it."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return Place(self.path, self.lines.get(keys, 0))


class _Loader(yaml.SafeLoader):
    """Refuses deep files before it has composed them: PyYAML's scanner is quadratic in the depth."""

    _depth = 0
    peek_event: Any

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        if self._depth > _DEEPEST:
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def read(tree: Tree, path: str) -> Document | None:
    """Returns the first document of a YAML file; None if the file cannot be read as text.

    Raises:
        CommandError: if it is not YAML, or expands to more than MOST_VALUES values; with file and line.
    """
    text = tree.text(path)
    if text is None:
        return None
    document = Document(path)
    try:
        loader = _Loader(text)
        node = loader.get_node() if loader.check_node() else None
        if node is not None:
            document.data = _Reading(document, loader).value(node, (), 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Place(path, mark.line + 1 if mark else 0)
        raise usage(
            f"{where} is not YAML: {error.problem or error.context}", "correct the file, then try again"
        ) from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise usage(f"{path} is not YAML: {reason}", "correct the file, then try again") from None
    except RecursionError:
        raise usage(f"{path} is nested too deeply to be read", "move it out of the checkout, then try again") from None
    return document


class _Reading:
    """Turns nodes into data, and counts the values: an alias counts each time it is used."""

    def __init__(self, document: Document, loader: yaml.SafeLoader) -> None:
        self._document = document
        self._loader = loader
        self._count = 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        """Returns the data of a node.

        Raises:
            MarkedYAMLError: if there is too much of it.
        """
        self._count += 1
        if self._count > MOST_VALUES or depth > _DEEPEST:
            what = f"it expands to more than {MOST_VALUES} values" if depth <= _DEEPEST else "it is nested too deeply"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark)
        line = node.start_mark.line + 1
        self._document.lines.setdefault(path, line)
        if node.tag not in _PLAIN and node.tag != _MERGE and not node.tag.endswith(":timestamp"):
            self._document.tags.setdefault(node.tag, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(inner, (*path, str(index)), depth + 1) for index, inner in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, inner in node.value:
            if key.tag == _MERGE:
                sources = inner.value if isinstance(inner, yaml.SequenceNode) else [inner]
                for source in reversed(sources):
                    found = self.value(source, (*path, "<<"), depth + 1)
                    merged |= found if isinstance(found, dict) else {}
                continue
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            self._document.lines[(*path, name)] = key.start_mark.line + 1
            own[name] = self.value(inner, (*path, name), depth + 1)
        return merged | own

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag in _PLAIN and not node.tag.endswith((":str", ":map", ":seq")):
            try:
                # Nodes with one of these four tags become numbers, booleans or None.
                return self._loader.construct_object(node)
            except (ValueError, LookupError, yaml.YAMLError):  # e.g. a number of 5000 digits
                return str(node.value)
        return str(node.value)
