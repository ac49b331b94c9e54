"""docs/architecture.md and its SVGs: every shipped product, drawn from what it synthesizes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from products import drawing
from products.drawing import Graph
from products.loader import FOLDER
from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.diagrams.architecture import architecture
from slipway_cli.review.diagrams.pipelines import pipelines
from slipway_cli.review.diagrams.svg import drawn, standalone

DOCS = FOLDER.parent / "docs"
_SERVES = ("AWS::EC2::VPC", "AWS::ECS::Service")
_HEAD = """\
# What stands where

<!-- written by `make docs` from the synthesized templates: do not edit -->

Each environment with who reaches what, and in which subnets it stands. An arrow from a frame is one from each service
in it. Below each diagram is the same as SVG, which follows light and dark. What the pipelines' actions do is in
[pipelines.md](pipelines.md); what it all costs, `slipway cost` says.
"""


@dataclass(frozen=True)
class Drawings:
    """The diagrams of an assembly by name: environments, and pipelines."""

    environments: dict[str, Graph]
    pipelines: dict[str, Graph]

    def all(self) -> dict[str, Graph]:
        """Every diagram."""
        return self.environments | self.pipelines


def drawings(assembly: Assembly) -> Drawings:
    """What there is to draw; the tooling's stacks stand nowhere, only their pipelines are drawn."""
    stages: dict[str, list[Stack]] = {}
    for stack in assembly.stacks:
        stages.setdefault(stack.environment, []).append(stack)
    return Drawings(
        {name: architecture(stacks) for name, stacks in stages.items() if _serves(stacks)},
        {name: graph for stack in assembly.stacks for name, graph in pipelines(stack)},
    )


def files(products: Mapping[str, tuple[str, Assembly]]) -> dict[Path, str]:
    """What the documents should hold, by path, for products by name with their description and assembly."""
    pages = [_HEAD]
    graphs: dict[str, Graph] = {}
    for product, (description, assembly) in products.items():
        found = drawings(assembly)
        named = Drawings({f"{name}-{product}": it for name, it in found.environments.items()}, found.pipelines)
        graphs |= named.all()
        pages.append("\n".join(_product(description, named)))
    svgs = {DOCS / "diagrams" / f"{name}.svg": standalone(image) for name, image in drawn(graphs).items()}
    return {DOCS / "architecture.md": "\n".join(pages), **svgs}


def _product(description: str, found: Drawings) -> Iterator[str]:
    yield from (f"## {description}", "")
    for name, graph in found.environments.items():
        yield from (f"### {name}", "", "```mermaid", drawing.mermaid(graph), "```", "")
        yield from (f"[As SVG](diagrams/{name}.svg)", "")
    if found.pipelines:
        links = (f"[{name}](diagrams/{name}.svg)" for name in found.pipelines)
        yield from (f"Its pipelines as SVG: {', '.join(links)}", "")


def _serves(stacks: list[Stack]) -> bool:
    return any(resource["Type"] in _SERVES for stack in stacks for resource in stack.resources.values())
