"""The target of a release: the deployed stacks of one environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from products import Product, names
from slipway_cli.release.errors import ReleaseError


@dataclass(frozen=True)
class Target:
    """One environment of one product."""

    product: Product
    environment: str
    _outputs: dict[str, dict[str, str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def region(self) -> str:
        """Returns the environment's region."""
        return self.product.environments[self.environment].region

    def client(self, service: str) -> Any:
        """Returns a client in the environment's region."""
        return boto3.client(service, region_name=self.region)

    def stack(self, stack: str) -> str:
        """Returns the CloudFormation name of a stack of the environment, e.g. of `services`."""
        return names.stack(self.environment, self.product.name, stack)

    def output(self, stack: str, key: str) -> str:
        """Returns an output of a deployed stack.

        Raises:
            ReleaseError: if the stack is not deployed, or has no such output.
        """
        name = self.stack(stack)
        if name not in self._outputs:
            self._outputs[name] = self._read(name)
        try:
            return self._outputs[name][key]
        except KeyError:
            raise ReleaseError(f"stack {name} has no output {key}; {self._deploy_hint()}") from None

    def _read(self, name: str) -> dict[str, str]:
        try:
            stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            raise ReleaseError(f"cannot read stack {name}: {error}; {self._deploy_hint()}") from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _deploy_hint(self) -> str:
        return f"deploy first: npx cdk deploy '{self.environment}/*' -c product={self.product.name}"
