"""Diagrams as data. The documents and the reports render them: as Mermaid for GitHub, as SVG elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, pairwise


class Shape(Enum):
    """The shape of a node; its value holds the brackets with which Mermaid writes the shape."""

    BOX = ("[", "]")
    END = ("([", "])")
    """A start or an end."""
    GATE = ("{{", "}}")
    """A step that may stop the process."""
    STORE = ("[(", ")]")
    """A data store."""


@dataclass(frozen=True)
class Node:
    """A node with an id of letters and digits. Its label may have several lines."""

    id: str
    label: str
    shape: Shape = Shape.BOX


@dataclass(frozen=True)
class Edge:
    """An arrow between two nodes or groups."""

    source: str
    target: str
    label: str = ""
    dotted: bool = False


@dataclass(frozen=True)
class Group:
    """A frame around nodes, edges and other groups."""

    id: str
    label: str
    items: tuple[Item, ...]
    across: bool = False
    """True to prefer a layout from left to right to one from top to bottom."""


Item = Node | Edge | Group


@dataclass(frozen=True)
class Graph:
    """A diagram, from top to bottom."""

    items: tuple[Item, ...]

    def nodes(self) -> Iterator[Node]:
        """Returns every node, including those inside groups."""
        return (item for item in flat(self.items) if isinstance(item, Node))


@dataclass(frozen=True)
class Step:
    """An action of a pipeline's stage."""

    label: str
    run_order: int
    gate: bool = False


@dataclass(frozen=True)
class DrawnStage:
    """A stage of a pipeline."""

    name: str
    steps: tuple[Step, ...]
    back: str = ""
    """The text of what follows a failure; empty if the pipeline only stops."""


def flat(items: Sequence[Item]) -> Iterator[Item]:
    """Yields every node, edge and group, the outer ones first."""
    for item in items:
        yield item
        if isinstance(item, Group):
            yield from flat(item.items)


def pipeline(start: str, stages: Sequence[DrawnStage]) -> Graph:
    """Returns a graph with the stages from top to bottom, and actions of the same run order side by side."""
    items: list[Item] = [Node("start", start, Shape.END)]
    for number, stage in enumerate(stages):
        items.append(_stage(number, stage))
        items.append(Edge("start" if number == 0 else f"s{number - 1}", f"s{number}"))
        if stage.back:
            items += [Node(f"back{number}", stage.back, Shape.END), Edge(f"s{number}", f"back{number}", dotted=True)]
    return Graph(tuple(items))


def mermaid(graph: Graph) -> str:
    """Returns the diagram as Mermaid text, in a syntax that older versions of Mermaid also parse."""
    lines = ["flowchart TB", *_items(graph.items, "  ")]
    gates = [node.id for node in graph.nodes() if node.shape is Shape.GATE]
    if gates:
        lines += ["  classDef gate stroke-width:3px,stroke-dasharray:4 3", f"  class {','.join(gates)} gate"]
    return "\n".join(lines)


def _stage(number: int, stage: DrawnStage) -> Group:
    rows = [list(row) for _, row in groupby(enumerate(stage.steps), key=lambda numbered: numbered[1].run_order)]
    items: list[Item] = [
        Node(f"s{number}a{place}", step.label, Shape.GATE if step.gate else Shape.BOX)
        for place, step in enumerate(stage.steps)
    ]
    for row, next_row in pairwise(rows):
        items += [Edge(f"s{number}a{source}", f"s{number}a{target}") for source, _ in row for target, _ in next_row]
    # Parallel steps are easier to read from top to bottom, a plain sequence from left to right.
    return Group(f"s{number}", stage.name, tuple(items), across=all(len(row) == 1 for row in rows))


def _items(items: Sequence[Item], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Node):
            opened, closed = item.shape.value
            yield f"{indent}{item.id}{opened}{quoted(item.label)}{closed}"
        elif isinstance(item, Edge):
            arrow = "-.->" if item.dotted else "-->"
            label = f"|{quoted(item.label)}|" if item.label else ""
            yield f"{indent}{item.source} {arrow}{label} {item.target}"
        else:
            yield f"{indent}subgraph {item.id}[{quoted(item.label)}]"
            yield f"{indent}  direction {'LR' if item.across else 'TB'}"
            yield from _items(item.items, f"{indent}  ")
            yield f"{indent}end"


def quoted(text: str) -> str:
    """Returns a text as a quoted Mermaid label, with Mermaid's special characters as entity codes."""
    escaped = text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return '"' + escaped.replace("\n", "<br>") + '"'
