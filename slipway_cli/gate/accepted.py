"""Collects the findings that constructs accept, by building a product's stages without synthesizing them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import aws_cdk as cdk

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTS = sorted(path.stem for path in (ROOT / "products").glob("*.yaml"))
CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
sys.path.append(str(ROOT / "constructs"))  # a source root, not a package: docs/adr/0001

from products import Product, load
from slipway.accepted import Acceptance, recording
from slipway_cli.gate.findings import Accepted, Inspection
from stacks.environment_stage import EnvironmentStage
from stacks.tooling_stage import ToolingStage

__all__ = ["CONTEXT", "PRODUCTS", "ROOT", "accepted", "declared", "product_stages", "recording"]


def product_stages(product: Product) -> Callable[[cdk.App], None]:
    """Returns a function that adds a product's stages to an app, as app.py does."""

    def fill(app: cdk.App) -> None:
        ToolingStage(app, "tooling", product=product)
        for environment in product.environments:
            EnvironmentStage(app, environment, product=product)

    return fill


def accepted(ledger: Iterable[Acceptance]) -> tuple[Accepted, ...]:
    """Returns the recorded acceptances with the paths of their constructs."""
    found = set()
    for entry in ledger:
        wide = cdk.Stage.is_stage(entry.construct) or cdk.Stack.is_stack(entry.construct)
        found.add(Accepted(entry.construct.node.path, entry.rules, entry.reason, entry.declared, wide))
    return tuple(sorted(found))


def declared(name: str) -> Inspection:
    """Returns the acceptances of a shipped product, without synthesizing it or looking for findings."""
    app = cdk.App(context=CONTEXT)
    with recording() as ledger:
        product_stages(load(name))(app)
        return Inspection(name, (), accepted(ledger))
