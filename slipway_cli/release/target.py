"""The target of a release: the deployed stacks of one environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

from products import Product, names
from slipway_cli.release.clients import create
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
        made = create(service, self.region)
        if service == "cloudfront-keyvaluestore" and os.environ.get("AWS_ENDPOINT_URL"):
            made.meta.events.register("before-send.*", _without_account)
        return made

    def stack(self, stack: str) -> str:
        """Returns the CloudFormation name of a stack of the environment, e.g. of `services`."""
        return names.stack(self.environment, self.product.name, stack)

    def output(self, stack: str, key: str) -> str:
        """Returns an output of a deployed stack.

        Raises:
            ReleaseError: if the stack is not deployed, or has no such output.
        """
        try:
            return self.outputs(stack)[key]
        except KeyError:
            raise ReleaseError(f"stack {self.stack(stack)} has no output {key}; {self._deploy_hint()}") from None

    def outputs(self, stack: str) -> dict[str, str]:
        """Returns the outputs of a deployed stack, by their keys.

        Raises:
            ReleaseError: if the stack is not deployed.
        """
        name = self.stack(stack)
        if name not in self._outputs:
            self._outputs[name] = self._read(name)
        return self._outputs[name]

    def _read(self, name: str) -> dict[str, str]:
        try:
            stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            raise ReleaseError(f"cannot read stack {name}: {error}; {self._deploy_hint()}") from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _deploy_hint(self) -> str:
        return f"deploy first: npx cdk deploy '{self.environment}/*' -c product={self.product.name}"


def _without_account(request: AWSPreparedRequest, **_: object) -> None:
    """Removes the account that botocore puts before the name of the store's endpoint: a local cloud has one name."""
    request.url = re.sub(r"//\d{12}\.", "//", request.url, count=1)
