"""Health checks as properties of a target group and of a container."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from slipway.health_checks import ContainerCheck, TargetCheck
from tests.support.stack import empty_stack, properties


def test_a_targets_check_states_every_property() -> None:
    stack = empty_stack()
    check = TargetCheck("/up/", "200-399", interval=20, timeout=6, healthy_after=4, unhealthy_after=7)
    elbv2.ApplicationTargetGroup(
        stack,
        "Group",
        vpc=ec2.Vpc(stack, "Vpc"),
        port=80,
        target_type=elbv2.TargetType.IP,
        health_check=check.of_target_group(),
    )
    found = properties(Template.from_stack(stack), "AWS::ElasticLoadBalancingV2::TargetGroup")

    assert {key: value for key, value in found.items() if "Health" in key or "Threshold" in key} == {
        "HealthCheckPath": "/up/",
        "HealthCheckIntervalSeconds": 20,
        "HealthCheckTimeoutSeconds": 6,
        "HealthyThresholdCount": 4,
        "UnhealthyThresholdCount": 7,
    }
    assert found["Matcher"] == {"HttpCode": "200-399"}


def test_a_containers_check_is_in_exec_form_and_states_every_property() -> None:
    stack = empty_stack()
    check = ContainerCheck(["celery", "inspect", "ping"], interval=60, timeout=20, unhealthy_after=5, start=0)
    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("web", image=ecs.ContainerImage.from_registry("i"), health_check=check.of_container())
    (container,) = properties(Template.from_stack(stack), "AWS::ECS::TaskDefinition")["ContainerDefinitions"]

    assert container["HealthCheck"] == {
        "Command": ["CMD", "celery", "inspect", "ping"],
        "Interval": 60,
        "Timeout": 20,
        "Retries": 5,
        "StartPeriod": 0,
    }
