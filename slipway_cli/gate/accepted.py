"""What the constructs accept, told by building a product's stages; nothing is synthesized for it."""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk

from paths import find_constructs

find_constructs()

from products import load, product_names
from slipway.accepted import Acceptance, recording
from slipway_cli.gate.findings import Accepted, Inspection
from stacks.product import add_product, feature_flags

__all__ = ["PRODUCTS", "accepted", "declared", "recording"]

PRODUCTS = product_names()


def accepted(ledger: Iterable[Acceptance]) -> tuple[Accepted, ...]:
    """What was recorded, by the paths of the constructs."""
    found = set()
    for each in ledger:
        wide = cdk.Stage.is_stage(each.construct) or cdk.Stack.is_stack(each.construct)
        found.add(Accepted(each.construct.node.path, each.rules, each.reason, each.declared, wide))
    return tuple(sorted(found))


def declared(name: str) -> Inspection:
    """What a shipped product's constructs accept; nothing is synthesized, and nothing looked for."""
    app = cdk.App(context=feature_flags())
    with recording() as ledger:
        add_product(app, load(name))
        return Inspection(name, (), accepted(ledger))
