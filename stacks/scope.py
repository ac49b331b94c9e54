"""What every stack of one environment needs to know: the product, and which environment."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from constructs import Construct

from products import Environment, Product, names
from slipway.log_retention import retention
from stacks.product_stack import ProductStack


@dataclass(frozen=True)
class EnvironmentScope:
    """One environment of one product, as its stacks see it."""

    product: Product
    name: str

    @property
    def environment(self) -> Environment:
        """The environment's section of the manifest."""
        return self.product.environments[self.name]

    @property
    def log_retention(self) -> logs.RetentionDays:
        """How long logs are kept."""
        return retention(self.environment.log_retention_days)

    @property
    def prefix(self) -> str:
        """What the environment's names begin with."""
        return names.prefix(self.name, self.product.name)


class EnvironmentStack(ProductStack):
    """A stack of one environment."""

    def __init__(self, scope: Construct, construct_id: str, *, of: EnvironmentScope, description: str) -> None:
        super().__init__(
            scope,
            construct_id,
            product=of.product.name,
            environment=of.name,
            account=of.environment.account,
            region=of.environment.region,
            description=description,
            protected=of.environment.deletion_protection,
        )
