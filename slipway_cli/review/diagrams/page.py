"""Renders docs/architecture.md and its SVGs from the synthesized templates of each shipped product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from paths import ROOT
from products import drawing
from products.drawing import Graph
from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.diagrams.architecture import architecture
from slipway_cli.review.diagrams.overview import overview
from slipway_cli.review.diagrams.pipelines import pipelines
from slipway_cli.review.diagrams.svg import drawn, standalone

DOCS = ROOT / "docs"
_SERVES = ("AWS::EC2::VPC", "AWS::ECS::Service")
_HEAD = """\
# Architecture

<!-- written by `make docs` from the synthesized templates: do not edit -->

The resources of each environment, their connections and their subnets. An arrow from a frame stands for an arrow from
each service in it. The link below a diagram leads to the same diagram as SVG, which supports light and dark mode.
[pipelines.md](pipelines.md) describes the actions of the pipelines; `slipway cost` prints the costs.
"""


@dataclass(frozen=True)
class Drawings:
    """The diagrams of an assembly by name: environments and pipelines."""

    environments: dict[str, Graph]
    pipelines: dict[str, Graph]

    def all(self) -> dict[str, Graph]:
        """Returns all diagrams."""
        return self.environments | self.pipelines


def drawings(assembly: Assembly) -> Drawings:
    """Returns the diagrams of an assembly. Of the tooling stacks, only the pipelines are drawn."""
    stages: dict[str, list[Stack]] = {}
    for stack in assembly.stacks:
        stages.setdefault(stack.environment, []).append(stack)
    return Drawings(
        {name: architecture(stacks) for name, stacks in stages.items() if _serves(stacks)},
        {name: graph for stack in assembly.stacks for name, graph in pipelines(stack)},
    )


def files(products: Mapping[str, tuple[str, Assembly]]) -> dict[Path, str]:
    """Returns the content of the documents by path. Products are given by name, with description and assembly."""
    pages = [_HEAD]
    graphs: dict[str, Graph] = {"slipway": overview()}
    for product, (description, assembly) in products.items():
        found = drawings(assembly)
        named = Drawings({f"{name}-{product}": graph for name, graph in found.environments.items()}, found.pipelines)
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
