"""The internal load balancer of an environment, and how it asks after what is behind it, for every target."""

from __future__ import annotations

import aws_cdk as cdk

from products.host_files import Entrance
from slipway.health_checks import TargetCheck
from slipway.load_balancer import InternalLoadBalancer
from slipway.network import ProductNetwork
from stacks import certificates
from stacks.data import DataStack
from stacks.scope import EnvironmentScope, EnvironmentStack

DRAIN = cdk.Duration.seconds(30)
"""The time that a host or pod has for its last requests: as long as a task on Fargate has."""


def load_balancer(
    stack: EnvironmentStack, scope: EnvironmentScope, network: ProductNetwork, data: DataStack
) -> InternalLoadBalancer:
    """Define the load balancer of an environment."""
    return InternalLoadBalancer(
        stack,
        "LoadBalancer",
        name=scope.prefix,
        vpc=network.vpc,
        security_group=network.load_balancer,
        deletion_protection=scope.environment.deletion_protection,
        access_logs=data.access_logs,
        certificate=certificates.of_the_load_balancer(stack, scope.environment),
    )


def check(entrance: Entrance) -> TargetCheck:
    """Returns how the load balancer asks a proxy: without a health page, any answer will do (docs/adr/0028)."""
    path = entrance.health_path
    return TargetCheck(path=path or "/", status="200" if path else "200-499")
