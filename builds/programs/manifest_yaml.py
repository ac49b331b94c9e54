"""Reads Kubernetes manifests so that each value knows its line, and as `kubectl` would read them.

Needs PyYAML, which the build installs into `$WORK/lib`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Tuple, cast

import yaml

from compose_yaml import Items, Table, Unreadable

_TAG = "tag:yaml.org,2002:"
_DEEPEST = 60
_BASE_60 = re.compile(r"[0-9]:[0-5]")  # YAML 1.1 reads 1:30 as 90; kubectl does not


@dataclass(frozen=True)
class Manifest:
    """An object, and where it is."""

    file: str
    line: int
    content: Table

    @property
    def kind(self) -> str:
        """Its kind; empty if it has none."""
        return str(self.content.get("kind") or "")

    @property
    def name(self) -> str:
        """Its name; empty if it has none."""
        metadata = self.content.get("metadata")
        return str(metadata.get("name") or "") if isinstance(metadata, Table) else ""

    def where(self, *path: Any) -> str:
        """Returns file:line of the deepest key of a path that the object has."""
        line, value = self.line, cast(Any, self.content)
        for key in path:
            known = key in value if isinstance(value, Table) else isinstance(value, Items) and isinstance(key, int)
            if not known:
                break
            line, value = value.lines[key], value[key]
        return f"{self.file}:{line}"


class _Loader(yaml.SafeLoader):
    depth = 0
    check_event: Any
    peek_event: Any

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem=f"replace *{event.anchor} by its value", problem_mark=event.start_mark)
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem="is nested too deeply", problem_mark=self.peek_event().start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


# Without dates: kubectl reads them as texts.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in (f"{_TAG}timestamp", f"{_TAG}value", f"{_TAG}merge")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _table(loader: Any, node: Any) -> Table:
    found = Table()
    for key, value in node.value:
        name = str(loader.construct_object(key, deep=True)) if key.tag == f"{_TAG}str" else str(key.value)
        if name in found:
            problem = f"has the key {name} twice, first in line {found.lines[name]}; remove one of them"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        found[name] = loader.construct_object(value, deep=True)
        found.lines[name] = key.start_mark.line + 1
    return found


def _items(loader: Any, node: Any) -> Items:
    found = Items()
    for item in node.value:
        found.append(loader.construct_object(item, deep=True))
        found.lines.append(item.start_mark.line + 1)
    return found


def _number(loader: Any, node: Any) -> Any:
    if _BASE_60.search(node.value):
        return node.value
    construct = loader.construct_yaml_int if node.tag == f"{_TAG}int" else loader.construct_yaml_float
    return construct(node)


def _refused(_loader: Any, _suffix: str, node: Any) -> Any:
    raise yaml.MarkedYAMLError(problem=f"remove the tag {node.tag}", problem_mark=node.start_mark)


_Loader.add_constructor(f"{_TAG}map", _table)
_Loader.add_constructor(f"{_TAG}seq", _items)
_Loader.add_constructor(f"{_TAG}int", _number)
_Loader.add_constructor(f"{_TAG}float", _number)
_Loader.add_multi_constructor("!", _refused)
_Loader.add_multi_constructor(f"{_TAG}python", _refused)


def read(path: Path) -> List[Manifest]:
    """Returns the objects of a file; empty documents are left out.

    Raises:
        Unreadable: if it is not YAML, or a document is not a mapping.
    """
    found = []
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        while loader.check_node():
            node: Any = loader.get_node()
            line = node.start_mark.line + 1
            content = loader.construct_document(node)
            if content is None:
                continue
            if not isinstance(content, Table):
                raise Unreadable(line, "is no object: write apiVersion, kind and metadata")
            found.append(Manifest(str(path), line, content))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, f"is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise Unreadable(1, f"is not YAML: {error}") from None
    return found


def table(value: Any, *path: str) -> Table:
    """Returns a mapping below keys; an empty one if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Table) else None
    return value if isinstance(value, Table) else Table()


def listed(value: Any, key: str) -> Iterator[Tuple[int, Table]]:
    """Yields the mappings of a list below a key, each with its index."""
    found = value.get(key) if isinstance(value, Table) else None
    for number, item in enumerate(found if isinstance(found, Items) else ()):
        if isinstance(item, Table):
            yield number, item


def plain(value: Any) -> Any:
    """Returns a value as JSON has it."""
    if isinstance(value, Table):
        return {key: plain(child) for key, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, Items) else value
