"""The stage of one environment, which e.g. `cdk deploy 'production/*'` deploys."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from products import Product, names
from products.regions import REGIONS
from stacks.access import AccessStack
from stacks.data import DataStack
from stacks.edge import EdgeStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack
from stacks.scope import EnvironmentScope
from stacks.services import ServicesStack


class EnvironmentStage(cdk.Stage):
    """Network, Data, Services, Edge, Observability and Access of one environment, with a permissions boundary."""

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
        services = ServicesStack(self, "Services", environment_scope=environment_scope, network=network, data=data)
        edge = EdgeStack(self, "Edge", environment_scope=environment_scope, data=data, services=services)
        ObservabilityStack(self, "Observability", environment_scope=environment_scope, data=data, services=services)
        if product.pipeline:
            AccessStack(self, "Access", environment_scope=environment_scope, services=services, edge=edge)

    def _answer_zone_lookup(self, account: str, region: str) -> None:
        # Vpc looks up the zones even if they are passed to it. Without this context the CLI would ask AWS during synth.
        zones = [f"{region}{letter}" for letter in REGIONS[region].zone_letters]
        self.node.set_context(f"availability-zones:account={account}:region={region}", zones)
