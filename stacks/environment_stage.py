"""The stage of one environment, which e.g. `cdk deploy 'production/*'` deploys."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import aws_cdk as cdk
from constructs import Construct

from products import Product, names
from products.regions import REGIONS
from stacks.access import AccessStack
from stacks.data import DataStack
from stacks.edge import EdgeStack
from stacks.eks import EksStack
from stacks.hosts import HostsStack
from stacks.kubernetes import KubernetesStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack
from stacks.scope import EnvironmentScope
from stacks.services import ServicesStack
from stacks.target import Target

_TARGETS: Mapping[str, tuple[Callable[..., Target], str]] = {
    "fargate": (ServicesStack, "Services"),
    "hosts": (HostsStack, "Hosts"),
    "microk8s": (KubernetesStack, "Kubernetes"),
    "eks": (EksStack, "Kubernetes"),
}
"""The stack that runs the containers, and its construct id, by the target or the kind of cluster."""


class EnvironmentStage(cdk.Stage):
    """The stacks of one environment, with a permissions boundary: network, data, containers, edge, alarms, access."""

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        environment = product.environments[construct_id]
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=environment.account, region=environment.region),
            permissions_boundary=cdk.PermissionsBoundary.from_name(names.BOUNDARY),
        )
        self._answer_zone_lookup(environment.account, environment.region)
        environment_scope = EnvironmentScope(product, construct_id)
        network = NetworkStack(self, "Network", environment_scope=environment_scope).network
        data = DataStack(self, "Data", environment_scope=environment_scope, network=network)
        define, name = _TARGETS[environment.kubernetes.cluster if environment.kubernetes else environment.target]
        target = define(self, name, environment_scope=environment_scope, network=network, data=data)
        edge = EdgeStack(self, "Edge", environment_scope=environment_scope, data=data, target=target)
        ObservabilityStack(self, "Observability", environment_scope=environment_scope, data=data, target=target)
        if product.pipeline:
            AccessStack(self, "Access", environment_scope=environment_scope, target=target, edge=edge)

    def _answer_zone_lookup(self, account: str, region: str) -> None:
        # Vpc looks up the zones even if they are passed to it. Without this context the CLI would ask AWS during synth.
        zones = [f"{region}{letter}" for letter in REGIONS[region].zone_letters]
        self.node.set_context(f"availability-zones:account={account}:region={region}", zones)
