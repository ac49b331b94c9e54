"""The environment that a stack belongs to, and the base class of its stacks."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from constructs import Construct

from products import Environment, Product, names
from slipway.log_retention import retention
from stacks.product_stack import ProductStack


@dataclass(frozen=True)
class EnvironmentScope:
    """One environment of one product, as its stacks use it."""

    product: Product
    name: str

    @property
    def environment(self) -> Environment:
        """The environment's section of the manifest."""
        return self.product.environments[self.name]

    @property
    def log_retention(self) -> logs.RetentionDays:
        """Returns how long logs are kept."""
        return retention(self.environment.log_retention_days)

    @property
    def prefix(self) -> str:
        """Returns the prefix of the environment's names."""
        return names.prefix(self.name, self.product.name)


class EnvironmentStack(ProductStack):
    """A stack of one environment."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment_scope: EnvironmentScope, description: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            product=environment_scope.product.name,
            environment=environment_scope.name,
            account=environment_scope.environment.account,
            region=environment_scope.environment.region,
            description=description,
            protected=environment_scope.environment.deletion_protection,
        )
