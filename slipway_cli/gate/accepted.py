"""Collects the findings that constructs accept, by building a product's stages without synthesizing them."""

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
    """Returns the recorded acceptances with the paths of their constructs."""
    found = set()
    for entry in ledger:
        wide = cdk.Stage.is_stage(entry.construct) or cdk.Stack.is_stack(entry.construct)
        found.add(Accepted(entry.construct.node.path, entry.rules, entry.reason, entry.declared, wide))
    return tuple(sorted(found))


def declared(name: str) -> Inspection:
    """Returns the acceptances of a shipped product, without synthesizing it or looking for findings."""
    app = cdk.App(context=feature_flags())
    with recording() as ledger:
        add_product(app, load(name))
        return Inspection(name, (), accepted(ledger))
