"""Renders a diagram in DOT, the language of Graphviz, which lays it out for SVG."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from products.drawing import Edge, Graph, Group, Item, Node, Shape, flat

_SHAPES = {
    Shape.BOX: 'shape=box style="rounded,filled" class=box',
    Shape.END: "shape=oval style=filled class=end",
    Shape.GATE: "shape=hexagon style=filled class=gate",
    Shape.STORE: "shape=cylinder style=filled class=store",
}
_LETTERS = 28  # the most letters per line in a node, so that diagrams fit on a phone
_HEAD = (
    'graph [compound=true rankdir=TB nodesep=0.25 ranksep=0.45 pad=0.1 fontname="Helvetica" fontsize=12 labeljust=l]',
    'node [fontname="Helvetica" fontsize=12 margin="0.22,0.1" height=0.4]',
    'edge [fontname="Helvetica" fontsize=10 arrowsize=0.7]',
)


def dot(graph: Graph) -> str:
    """Returns the diagram in DOT, laid out from top to bottom."""
    groups = {item.id: item for item in flat(graph.items) if isinstance(item, Group)}
    edges = [item for item in flat(graph.items) if isinstance(item, Edge)]
    return "\n".join(
        [
            "digraph {",
            *(f"  {line}" for line in _HEAD),
            *_frames(graph.items, "  "),
            *(f"  {_edge(edge, groups, edges)}" for edge in edges),
            "}",
        ]
    )


def _frames(items: Sequence[Item], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Node):
            yield f"{indent}{item.id} [label={_quoted(_wrapped(item.label))} {_SHAPES[item.shape]}]"
        if isinstance(item, Group):
            yield f"{indent}subgraph cluster_{item.id} {{"
            yield f"{indent}  label={_quoted(f' {item.label} ')}"
            yield from _frames(item.items, f"{indent}  ")
            if _is_row(item):
                nodes = " ".join(node.id for node in item.items if isinstance(node, Node))
                yield f"{indent}  {{ rank=same {nodes} }}"
            yield f"{indent}}}"


def _edge(edge: Edge, groups: dict[str, Group], edges: Sequence[Edge]) -> str:
    """Returns an edge. Graphviz connects only nodes: an edge of a group uses a node in it, clipped at the frame."""
    source = _end(groups.get(edge.source), edges, leaves=True)
    target = _end(groups.get(edge.target), edges, leaves=False)
    settings = [
        *([f"label={_quoted(edge.label)}"] if edge.label else []),
        *(["style=dashed"] if edge.dotted else []),
        *([f"ltail=cluster_{edge.source}"] if source else []),
        *([f"lhead=cluster_{edge.target}"] if target else []),
    ]
    return f"{source or edge.source} -> {target or edge.target} [{' '.join(settings)}]"


def _end(group: Group | None, edges: Sequence[Edge], *, leaves: bool) -> str:
    """Returns the node of a group at which an edge ends: a lowest one if it leaves the group, otherwise the first."""
    nodes = [item.id for item in flat(group.items) if isinstance(item, Node)] if group else []
    if not group or not nodes:
        return ""
    if not leaves or _is_row(group):
        return nodes[0]
    below = [edge.target for edge in edges if edge.source in nodes and edge.target in nodes]
    return below[-1] if below else nodes[0]


def _is_row(group: Group) -> bool:
    """True if the nodes of the group are connected, and so drawn side by side."""
    return group.across and any(isinstance(item, Edge) for item in group.items)


def _wrapped(label: str) -> str:
    return "\n".join(part for line in label.split("\n") for part in textwrap.wrap(line, _LETTERS))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
