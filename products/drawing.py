"""Diagrams as data: what the documents and the reports draw, as Mermaid for GitHub and as SVG elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, pairwise


class Shape(Enum):
    """What a node looks like; the value is how Mermaid writes its borders."""

    BOX = ("[", "]")
    END = ("([", "])")
    """Where something begins or ends."""
    GATE = ("{{", "}}")
    """Where something may be stopped."""
    STORE = ("[(", ")]")
    """What keeps data."""


@dataclass(frozen=True)
class Node:
    """One thing, by an id of letters and digits. A label may have several lines."""

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
    """A frame around things."""

    id: str
    label: str
    items: tuple[Item, ...]
    across: bool = False
    """Whether its things stand side by side rather than below each other, where Mermaid is free to choose."""


Item = Node | Edge | Group


@dataclass(frozen=True)
class Graph:
    """A diagram, from top to bottom."""

    items: tuple[Item, ...]

    def nodes(self) -> Iterator[Node]:
        """Every node, also those in groups."""
        return (it for it in flat(self.items) if isinstance(it, Node))


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
    """What becomes of it when it fails, where that is more than to stop."""


def flat(items: Sequence[Item]) -> Iterator[Item]:
    """Every node, edge and group, outer ones first."""
    for item in items:
        yield item
        if isinstance(item, Group):
            yield from flat(item.items)


def pipeline(start: str, stages: Sequence[DrawnStage]) -> Graph:
    """Stages from top to bottom, actions of one run order side by side."""
    items: list[Item] = [Node("start", start, Shape.END)]
    for number, stage in enumerate(stages):
        items.append(_stage(number, stage))
        items.append(Edge("start" if number == 0 else f"s{number - 1}", f"s{number}"))
        if stage.back:
            items += [Node(f"back{number}", stage.back, Shape.END), Edge(f"s{number}", f"back{number}", dotted=True)]
    return Graph(tuple(items))


def mermaid(graph: Graph) -> str:
    """The diagram in Mermaid, in words that every Mermaid of the last years reads."""
    lines = ["flowchart TB", *_items(graph.items, "  ")]
    gates = [node.id for node in graph.nodes() if node.shape is Shape.GATE]
    if gates:
        lines += ["  classDef gate stroke-width:3px,stroke-dasharray:4 3", f"  class {','.join(gates)} gate"]
    return "\n".join(lines)


def _stage(number: int, stage: DrawnStage) -> Group:
    numbered = [list(step) for _, step in groupby(enumerate(stage.steps), key=lambda each: each[1].run_order)]
    items: list[Item] = [
        Node(f"s{number}a{place}", step.label, Shape.GATE if step.gate else Shape.BOX)
        for place, step in enumerate(stage.steps)
    ]
    for before, after in pairwise(numbered):
        items += [Edge(f"s{number}a{one}", f"s{number}a{other}") for one, _ in before for other, _ in after]
    # A row where several run side by side is read best from above, a row of single ones from the left.
    return Group(f"s{number}", stage.name, tuple(items), across=all(len(step) == 1 for step in numbered))


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
    """A label as Mermaid takes any text: in quotes, with its own characters by number."""
    escaped = text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return '"' + escaped.replace("\n", "<br>") + '"'
