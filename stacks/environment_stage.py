"""One copy of the product: what `cdk deploy 'production/*'` deploys."""

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
    """Network, Data, Services, Edge, Observability and Access of one environment; every role has the boundary."""

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        environment = product.environments[construct_id]
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=environment.account, region=environment.region),
            permissions_boundary=cdk.PermissionsBoundary.from_name(names.BOUNDARY),
        )
        self._answer_zone_lookup(environment.account, environment.region)
        of = EnvironmentScope(product, construct_id)
        network = NetworkStack(self, "Network", of=of).network
        data = DataStack(self, "Data", of=of, network=network)
        services = ServicesStack(self, "Services", of=of, network=network, data=data)
        edge = EdgeStack(self, "Edge", of=of, data=data, services=services)
        ObservabilityStack(self, "Observability", of=of, data=data, services=services)
        if product.pipeline:
            AccessStack(self, "Access", of=of, services=services, edge=edge)

    def _answer_zone_lookup(self, account: str, region: str) -> None:
        # Vpc asks for the zones even where it is given them; unanswered, the CLI would ask AWS during synth.
        zones = [f"{region}{letter}" for letter in REGIONS[region].zone_letters]
        self.node.set_context(f"availability-zones:account={account}:region={region}", zones)
