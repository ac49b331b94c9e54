"""The `review:` section of a manifest: changes that a pull request may make only with a person's permission."""

from __future__ import annotations

from typing import Literal

from products.base import Model

Rule = Literal[
    "replace-stateful",
    "delete-stateful",
    "broaden-iam",
    "open-network",
    "weaken-protection",
    "deployment-fails",
    "interrupt",
    "stack-removed",
]


class Review(Model):
    """Rules for the review of a change before it is deployed (docs/reviewing.md)."""

    forbid: tuple[Rule, ...] = ()
    """Rules that fail a change, unless a label `allow:RULE` or a trailer `Allow-Change: RULE, reason` allows it."""
