"""A schedule that starts a Fargate task; its place in a stack is tested in tests/stacks/test_schedules.py."""

from __future__ import annotations

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.container_task import Container, ContainerTask
from slipway.release import ReleaseParameters
from slipway.scheduled_task import ScheduledTask, ScheduleGroup, Times
from tests.support.stack import any_vpc, empty_stack, properties
from tests.support.synthesis import Json


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    image = ReleaseParameters(stack, version_parameter="ReleaseVersion").image("BackendImage")
    container = Container(
        name="clear",
        image=image.uri,
        repository_arns=["arn:aws:ecr:us-east-1:111122223333:repository/shop/backend"],
        command=["true"],
        cpu=256,
        memory=512,
        architecture="arm64",
        environment={},
        secrets={},
    )
    ScheduledTask(
        stack,
        "Clear",
        name="clear",
        physical_name="shop-clear",
        group=ScheduleGroup(stack, "Schedules", name="shop"),
        times=Times("rate(5 minutes)"),
        enabled=True,
        cluster=ecs.Cluster(stack, "Cluster", vpc=vpc),
        task=ContainerTask(
            stack, "Task", family="shop-clear", container=container, log_group=logs.LogGroup(stack, "Logs")
        ),
        image=image,
        subnets=["subnet-1"],
        security_group=ec2.SecurityGroup(stack, "Group", vpc=vpc),
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def schedule(template: Template) -> Json:
    return properties(template, "AWS::Scheduler::Schedule")


def test_times_are_in_utc_unless_a_time_zone_is_given(schedule: Json) -> None:
    assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == ("rate(5 minutes)", "UTC")


def test_a_start_that_fails_is_repeated_for_an_hour(schedule: Json) -> None:
    assert schedule["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}


def test_one_task_starts_in_the_application_subnets(schedule: Json) -> None:
    parameters = schedule["Target"]["EcsParameters"]

    assert parameters["TaskCount"] == 1
    assert parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["subnet-1"]


def test_it_belongs_to_the_group_that_counts_its_failures(template: Template, schedule: Json) -> None:
    assert schedule["GroupName"] == properties(template, "AWS::Scheduler::ScheduleGroup")["Name"] == "shop"
