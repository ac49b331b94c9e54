"""The configuration that hosts read before each step: names of secrets and parts of values, which they join."""

from __future__ import annotations

import json
from typing import Any, Protocol

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from products import names
from products.base import ExistingSecret
from products.flows import branches_reach
from products.model import Product
from products.values import Reference, Value
from slipway import arns
from slipway.composed_secret import Part
from stacks.references import Sources
from stacks.scope import EnvironmentScope, EnvironmentStack

Json = dict[str, Any]
KEPT = 2
"""Number of older releases that a host may go back to."""
# As Edenco documents: tries at the status page, and seconds between them.
_TRIES, _PAUSE = 12, 5


class Configuration(Protocol):
    """The configuration that an environment's hosts read before each step: names of secrets, never their values."""

    secrets: list[str]
    """The ARNs, or ARN patterns, of the secrets that hosts read."""

    def settings(self) -> Json:
        """Returns the configuration as the program on the hosts reads it."""


def parameter(
    stack: EnvironmentStack, scope: EnvironmentScope, configuration: Configuration, *, description: str
) -> ssm.CfnParameter:
    """Define the parameter with a configuration."""
    return ssm.CfnParameter(
        stack,
        "Configuration",
        name=names.host_configuration(scope.name, scope.product.name),
        type="String",
        tier="Intelligent-Tiering",  # above 4 KB it needs the advanced one
        description=description,
        value=json.dumps(configuration.settings(), separators=(",", ":")),  # the CDK's own would drop nulls
    )


def repositories(stack: EnvironmentStack, scope: EnvironmentScope) -> list[str]:
    """Returns the repositories that machines may pull from; other branches' only if a flow deploys those branches."""
    product, tooling = scope.product, scope.product.tooling
    kinds = [names.repository]
    if branches_reach(product, scope.name):
        kinds.append(names.branch_repository)
    return [
        arns.repository(stack, tooling.account, tooling.region, kind(product.name, image))
        for kind in kinds
        for image in product.images
    ]


class HostValues:
    """The values of variables as hosts read them; `own_image` is the image that `${release.image}` means."""

    def __init__(self, scope: Construct, known: Sources, *, own_image: str | None = None) -> None:
        self._scope, self._known, self._own_image = scope, known, own_image
        self._found: dict[str, None] = {}

    @property
    def secrets(self) -> list[str]:
        """The ARNs, or ARN patterns, of the secrets of all values so far."""
        return list(self._found)

    def resolved(self, value: Value | ExistingSecret) -> list[Any]:
        """Returns the parts of a value."""
        if isinstance(value, ExistingSecret):
            pattern = arns.secret(self._scope, value.name)
            self._found[pattern] = None
            # Secrets Manager finds a secret by its ARN without the random end, too.
            return [{"secret": pattern.removesuffix("-??????"), **({"key": value.key} if value.key else {})}]
        return [part for source in value.parts for part in self._parts(source)] or [""]

    def known(self, name: str) -> list[Any]:
        """Returns the parts of the value of a reference."""
        return [self._part(part) for part in self._known[name]]

    def _parts(self, source: str | Reference) -> list[Any]:
        if isinstance(source, str):
            return [source]
        if source.name == "release.version":
            return [{"release": "version"}]
        if source.name == "release.image" and self._own_image:
            return [{"image": self._own_image}]
        if source.name.startswith("images."):
            return [{"image": source.name.partition(".")[2]}]
        return self.known(source.name)

    def _part(self, part: Part) -> str | dict[str, str]:
        if isinstance(part, str):
            return part
        arn = part.secret.secret_arn
        self._found[arn] = None
        return {"secret": arn, **({"key": part.key} if part.key else {})}


def registry(product: Product) -> str:
    """Returns the host name of the registry."""
    tooling = product.tooling
    return names.repository_uri(tooling.account, tooling.region, "").rstrip("/")


def verify(environment_scope: EnvironmentScope, port: int) -> Json | None:
    """Returns the status page that a host asks, at a port of its own; None if the product has none."""
    pipeline, domain = environment_scope.product.pipeline, environment_scope.environment.edge.domain
    path = pipeline.report_path if pipeline else None
    if path is None:
        return None
    page: Json = {"port": port, "path": path, "tries": _TRIES, "pause_seconds": _PAUSE}
    return {**page, "host": domain.name} if domain else page
