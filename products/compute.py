"""What each action of a pipeline runs on."""

from __future__ import annotations

from typing import Literal

from products.flows import Action, Kind

Compute = Literal["pipeline", "function", "small", "medium"]
"""`pipeline`: CodePipeline itself. `function`: a Lambda function. The others are sizes of CodeBuild's machines."""

_OF_PIPELINE = frozenset({Kind.SOURCE, Kind.APPROVAL})
_MEDIUM = frozenset({Kind.IMAGE, Kind.E2E, Kind.SYNTH, Kind.POLICY, Kind.REVIEW})
_SMALL = frozenset(
    {
        Kind.CHECK,
        Kind.BUNDLE,
        Kind.COMPOSE,
        Kind.MANIFESTS,
        Kind.SCAN,
        Kind.FRONTEND,
        Kind.SMOKE,
        Kind.DEPLOY_STACKS,
    }
)


def compute(action: Action) -> Compute:
    """Returns what an action runs on; a check of the flow `infrastructure`, which has no subject, is large."""
    if action.kind in _OF_PIPELINE:
        return "pipeline"
    if action.kind in _MEDIUM or (action.kind is Kind.CHECK and not action.subject):
        return "medium"
    return "small" if action.kind in _SMALL else "function"
