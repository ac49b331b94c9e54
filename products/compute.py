"""Decides which machine each action of a pipeline runs on."""

from __future__ import annotations

from typing import Literal

from products.flows import Action, Kind
from products.model import Product
from products.pipeline import Size

Compute = Literal["pipeline", "function", "lambda", "small", "medium", "large"]
"""`pipeline`: CodePipeline itself. `function`: a Lambda function. `lambda`: a build on CodeBuild's Lambda compute. The
others are sizes of CodeBuild's machines."""

# Regions with Lambda compute: docs.aws.amazon.com/codebuild/latest/userguide/lambda.html, read on 2026-11-30.
LAMBDA_REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-central-1",
        "eu-west-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
)
LAMBDA_MINUTES = 15
"""CodeBuild ends a build on Lambda compute then; a project cannot set another limit (the same page)."""
_OF_PIPELINE = frozenset({Kind.SOURCE, Kind.APPROVAL})
_DEFAULTS: dict[Kind, Size] = {
    Kind.IMAGE: "medium",
    Kind.E2E: "medium",
    Kind.SYNTH: "medium",
    Kind.POLICY: "medium",
    Kind.REVIEW: "medium",
    Kind.CHECK: "small",
    Kind.BUNDLE: "small",
    Kind.COMPOSE: "small",  # Docker alone understands compose files, and Lambda compute has none
    Kind.SMOKE: "small",  # the product's program may need Node.js, which Lambda compute's image of Python has not
    Kind.DEPLOY_STACKS: "small",
    Kind.MANIFESTS: "lambda",
    Kind.SCAN: "lambda",
    Kind.FRONTEND: "lambda",
}
_WITHOUT_DOCKER = frozenset({"seo"})  # builds of ours that need nothing but Python


def compute(product: Product, action: Action) -> Compute:
    """Returns what an action runs on."""
    if action.kind in _OF_PIPELINE:
        return "pipeline"
    return size(product, action) if action.kind in _DEFAULTS else "function"


def size(product: Product, action: Action) -> Size:
    """Returns the machine of an action that is a build."""
    chosen = _chosen(product, action)
    return "small" if chosen == "lambda" and product.tooling.region not in LAMBDA_REGIONS else chosen


def _chosen(product: Product, action: Action) -> Size:
    if action.kind is not Kind.CHECK:
        return _DEFAULTS[action.kind]
    if product.pipeline is None or not action.subject:
        return "medium"  # the flow `infrastructure` tests this repository
    check = product.pipeline.checks[action.subject]
    default: Size = "lambda" if check.build in _WITHOUT_DOCKER and not check.docker else "small"
    return check.compute or default
