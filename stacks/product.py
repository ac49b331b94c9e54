"""Assembles the app of a product: the one place that knows which stages a product has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk

from paths import ROOT
from products import Product
from stacks.environment_stage import EnvironmentStage
from stacks.tooling_stage import ToolingStage


@dataclass(frozen=True)
class ProductStages:
    """The stages of a product; each is a unit that `cdk deploy '<stage>/*'` deploys."""

    tooling: ToolingStage
    environments: Mapping[str, EnvironmentStage]
    """By the environment's name, in the manifest's order."""


def add_product(app: cdk.App, product: Product) -> ProductStages:
    """Add the tooling and every environment of a product to an app."""
    return ProductStages(ToolingStage(app, "tooling", product=product), add_environments(app, product))


def add_environments(app: cdk.App, product: Product) -> dict[str, EnvironmentStage]:
    """Add the environments of a product to an app, without its tooling: a cost estimate needs no pipelines."""
    return {name: EnvironmentStage(app, name, product=product) for name in product.environments}


def feature_flags() -> dict[str, Any]:
    """Returns the context of cdk.json, which an app needs that the CDK CLI does not start."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context
