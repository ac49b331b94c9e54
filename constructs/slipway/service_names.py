"""Names by which the services of an environment find each other's tasks."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

# Seconds for which a name's addresses are remembered: a task that has ended is asked for that long at most.
_TTL = cdk.Duration.seconds(10)


class ServiceNames(Construct):
    """A private domain in the VPC, with an address for each running task of the services that have a name in it.

    ECS registers tasks with Cloud Map when they run, and removes those that stop or are unhealthy. Nothing outside the
    VPC resolves the names.
    """

    def __init__(self, scope: Construct, construct_id: str, *, domain: str, vpc: ec2.IVpc) -> None:
        super().__init__(scope, construct_id)
        self._namespace = servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name=domain, vpc=vpc, description="Tasks of services, by the service's name"
        )

    def add(self, name: str, service: ecs.FargateService) -> None:
        """Give a service the name `name` in the domain."""
        service.enable_cloud_map(
            cloud_map_namespace=self._namespace,
            name=name,
            dns_record_type=servicediscovery.DnsRecordType.A,
            dns_ttl=_TTL,
        )
