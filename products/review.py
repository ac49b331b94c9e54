"""The section `review` of a manifest: what a pull request may not do without somebody's word."""

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
    """How a change is judged before it is deployed (docs/reviewing.md)."""

    forbid: tuple[Rule, ...] = ()
    """What fails a change, unless a label `allow:RULE` or a trailer `Allow-Change: RULE, reason` allows it."""
