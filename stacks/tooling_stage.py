"""The stage that a product has once, for all its environments; `cdk deploy 'tooling/*'` deploys it."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from policy.plugin import PipelineRules
from products import Product, names
from stacks.delivery import DeliveryStack
from stacks.identity import IdentityStack
from stacks.registry import RegistryStack


class ToolingStage(cdk.Stage):
    """Registry, Identity and Delivery of a product, with a permissions boundary for every role."""

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        tooling = product.tooling
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=tooling.account, region=tooling.region),
            permissions_boundary=cdk.PermissionsBoundary.from_name(names.BOUNDARY),
        )
        RegistryStack(self, "Registry", product=product)
        IdentityStack(self, "Identity", product=product)
        if product.pipeline:
            guarded = [
                names.pascal(name) for name, environment in product.environments.items() if environment.protected
            ]
            cdk.Validations.of(self).add_plugins(PipelineRules(protected_stages=guarded))
            DeliveryStack(self, "Delivery", product=product, pipeline=product.pipeline)
