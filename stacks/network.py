"""The Network stack: the VPC and its security groups."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from products import Environment, call_checks, host_files
from products.regions import REGIONS, zones
from slipway import cache, database, load_balancer
from slipway.log_retention import accept_log_encryption
from slipway.network import ProductNetwork
from stacks.scope import EnvironmentScope, EnvironmentStack

_HTTP = 80


class NetworkStack(EnvironmentStack):
    """The network of one environment."""

    network: ProductNetwork

    def __init__(self, scope: Construct, construct_id: str, *, environment_scope: EnvironmentScope) -> None:
        super().__init__(
            scope,
            construct_id,
            environment_scope=environment_scope,
            description="VPC, subnets, NAT, endpoints, flow logs",
        )
        environment = environment_scope.environment
        flow_logs = logs.LogGroup(
            self, "FlowLogs", retention=environment_scope.log_retention, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        accept_log_encryption(flow_logs)
        self.network = ProductNetwork(
            self,
            "Network",
            cidr=str(environment.network.cidr),
            zones=zones(environment.region, environment.network.zones, environment.network.zone_letters),
            nat=environment.network.nat,
            nat_count=environment.network.nat_count,
            internet_ports=_internet_ports(environment),
            store_ports=[
                *([database.PORT] if environment_scope.product.database else []),
                *([cache.PORT] if environment_scope.product.cache else []),
            ],
            restarts_services=environment.database is not None
            and environment.database.rotate_password_days is not None,
            cloudfront_prefix_list=REGIONS[environment.region].cloudfront_prefix_list,
            listener_port=load_balancer.port(https=environment.edge.domain is not None),
            flow_logs=flow_logs,
        )
        if environment_scope.product.services_in(environment_scope.name):
            for port in dict.fromkeys(call_checks.called(environment_scope.product).values()):
                self.network.connect(port)
        if environment.kubernetes and environment.kubernetes.cluster == "eks":
            self.network.admit_pods()
        ports = host_files.ports(environment_scope.product, environment_scope.name)
        for port in dict.fromkeys(ports):  # services may use the same port: each task has its own address
            self.network.admit(port)


def _internet_ports(environment: Environment) -> list[int]:
    """Returns the ports of addresses outside the VPC; Ubuntu's packages, which are signed, come over HTTP."""
    on_ubuntu = environment.target == "kubernetes" and environment.machines is not None
    return [*dict.fromkeys((*environment.network.internet_ports, *([_HTTP] if on_ubuntu else [])))]
