"""The base classes of a product's stacks."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from products import Product, names


class ProductStack(cdk.Stack):
    """A stack with the name `{environment}-{product}-{stack}`, tags and, if `protected`, termination protection.

    `LARGE` is True for stacks whose template has no indentation: CloudFormation takes a megabyte at most, and a tenth
    of the template of pipelines would be spaces.
    """

    LARGE = False

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        product: str,
        environment: str,
        account: str,
        region: str,
        description: str,
        protected: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=names.stack(environment, product, construct_id.lower()),
            env=cdk.Environment(account=account, region=region),
            description=description,
            termination_protection=protected,
            tags={"product": product, "environment": environment},
            suppress_template_indentation=self.LARGE,
        )

    def output(self, name: str, value: str, description: str) -> cdk.CfnOutput:
        """Define an output with exactly the key `name`, under which releases and people look it up."""
        return cdk.CfnOutput(self, name, value=value, description=description)


class ToolingStack(ProductStack):
    """A stack that a product has once, for all its environments; always protected against deletion."""

    def __init__(self, scope: Construct, construct_id: str, *, product: Product, description: str) -> None:
        super().__init__(
            scope,
            construct_id,
            product=product.name,
            environment="tooling",
            account=product.tooling.account,
            region=product.tooling.region,
            description=description,
            protected=True,
        )
