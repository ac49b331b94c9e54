"""Names by which services find each other's tasks."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match, Template

from slipway.service_names import ServiceNames
from tests.support.stack import empty_stack


def test_a_name_has_an_address_for_each_running_task_in_the_vpc_alone() -> None:
    stack = empty_stack()
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("web", image=ecs.ContainerImage.from_registry("web"))
    service = ecs.FargateService(stack, "Service", cluster=ecs.Cluster(stack, "Cluster", vpc=vpc), task_definition=task)

    ServiceNames(stack, "Names", domain="staging-shop.internal", vpc=vpc).add("backend", service)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ServiceDiscovery::PrivateDnsNamespace", {"Name": "staging-shop.internal", "Vpc": Match.any_value()}
    )
    template.has_resource_properties(
        "AWS::ServiceDiscovery::Service",
        {"Name": "backend", "DnsConfig": Match.object_like({"DnsRecords": [{"TTL": 10, "Type": "A"}]})},
    )
    template.has_resource_properties("AWS::ECS::Service", {"ServiceRegistries": Match.any_value()})
