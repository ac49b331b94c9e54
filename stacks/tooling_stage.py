"""What a product has once, whatever its environments: what `cdk deploy 'tooling/*'` deploys."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from products import Product
from stacks.identity import IdentityStack
from stacks.registry import RegistryStack


class ToolingStage(cdk.Stage):
    """Registry and Identity of a product."""

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        tooling = product.tooling
        super().__init__(scope, construct_id, env=cdk.Environment(account=tooling.account, region=tooling.region))
        RegistryStack(self, "Registry", product=product)
        IdentityStack(self, "Identity", product=product)
