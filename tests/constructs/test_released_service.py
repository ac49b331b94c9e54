"""A service that runs the release in its stack's parameters, and its task definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from slipway.container_task import Container, ContainerTask
from slipway.health_checks import ContainerCheck
from slipway.release import ReleaseParameters
from slipway.released_service import ReleasedService, ScaleRule
from tests.support.stack import any_vpc, empty_stack, properties
from tests.support.synthesis import Json

REPOSITORY = "arn:aws:ecr:us-east-1:111122223333:repository/shop/backend"
SERVICE = "AWS::ECS::Service"


def service(
    *, singleton: bool = False, spot: bool = False, shell: bool = False, rule: ScaleRule | None = None, **changes: Any
) -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    release = ReleaseParameters(stack, version_parameter="ReleaseVersion")
    image = release.image("BackendImage")
    secret = ecs.Secret.from_secrets_manager(secretsmanager.Secret(stack, "Secret"))
    container = Container(
        name="web",
        image=image.uri,
        repository_arns=[REPOSITORY],
        command=None,
        cpu=256,
        memory=512,
        architecture="arm64",
        environment={"A": "1"},
        secrets={"SECRET_KEY": secret},
    )
    task = ContainerTask(
        stack,
        "Task",
        family="shop-web",
        container=replace(container, **changes),
        log_group=logs.LogGroup(stack, "Logs"),
    )
    released = ReleasedService(
        stack,
        "Web",
        service_name="shop-web",
        cluster=ecs.Cluster(stack, "Cluster", vpc=vpc),
        task=task,
        image=image,
        count=3,
        singleton=singleton,
        spot=spot,
        shell_access=shell,
        security_group=ec2.SecurityGroup(stack, "Group", vpc=vpc),
        health_check_grace=None,
    )
    if rule:
        released.scale(rule, None)
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def plain() -> Template:
    return service()


def container(template: Template) -> Json:
    (found,) = properties(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return dict(found)


def actions(template: Template, role: str) -> list[tuple[Any, Any]]:
    return [
        (statement["Action"], statement["Resource"])
        for policy in template.find_resources("AWS::IAM::Policy").values()
        if policy["Properties"]["Roles"][0]["Ref"].startswith(role)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_runs_no_task_before_the_first_release(plain: Template) -> None:
    assert properties(plain, SERVICE)["DesiredCount"] == {"Fn::If": ["HasBackendImage", 3, 0]}


def test_rolls_back_after_three_failures_in_total(plain: Template) -> None:
    breaker = properties(plain, SERVICE)["DeploymentConfiguration"]["DeploymentCircuitBreaker"]

    assert breaker == {
        "Enable": True,
        "Rollback": True,
        "ResetOnHealthyTask": False,
        "ThresholdConfiguration": {"Type": "COUNT", "Value": 3},
    }


@pytest.mark.parametrize(("singleton", "percents"), [(False, (100, 200)), (True, (0, 100))])
def test_keeps_every_task_until_its_replacement_is_healthy_except_a_singleton(
    singleton: bool, percents: tuple[int, int]
) -> None:
    deployment = properties(service(singleton=singleton), SERVICE)["DeploymentConfiguration"]

    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == percents


@pytest.mark.parametrize(("singleton", "rebalancing"), [(False, "ENABLED"), (True, "DISABLED")])
def test_rebalances_tasks_over_zones_except_a_singleton(singleton: bool, rebalancing: str) -> None:
    assert properties(service(singleton=singleton), SERVICE)["AvailabilityZoneRebalancing"] == rebalancing


def test_runs_on_demand_unless_it_may_be_interrupted(plain: Template) -> None:
    on_demand, spot = properties(plain, SERVICE), properties(service(spot=True), SERVICE)

    assert on_demand["LaunchType"] == "FARGATE"
    assert "CapacityProviderStrategy" not in on_demand
    assert spot["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    assert "LaunchType" not in spot


def test_runs_in_the_application_subnets_without_a_public_address(plain: Template) -> None:
    network = properties(plain, SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]

    assert network["AssignPublicIp"] == "DISABLED"
    assert all("ApplicationSubnet" in subnet["Ref"] for subnet in network["Subnets"])


def test_allows_shell_access_only_on_request(plain: Template) -> None:
    assert properties(plain, SERVICE)["EnableExecuteCommand"] is False
    assert properties(service(shell=True), SERVICE)["EnableExecuteCommand"] is True


def test_scales_from_the_first_release_on() -> None:
    template = service(rule=ScaleRule(minimum=3, maximum=9, cpu_percent=60, requests_per_target=None))
    (target,) = template.find_resources("AWS::ApplicationAutoScaling::ScalableTarget").values()
    (policy,) = template.find_resources("AWS::ApplicationAutoScaling::ScalingPolicy").values()

    assert (target["Properties"]["MinCapacity"], target["Properties"]["MaxCapacity"]) == (3, 9)
    assert (target["Condition"], policy["Condition"]) == ("HasBackendImage", "HasBackendImage")


def test_an_image_parameter_is_a_digest_or_unreleased(plain: Template) -> None:
    parameter = plain.find_parameters("BackendImage")["BackendImage"]

    assert parameter["Default"] == "unreleased"
    assert parameter["AllowedPattern"] == r"^(unreleased|.+@sha256:[0-9a-f]{64})$"


def test_the_execution_role_may_pull_its_own_image_read_its_own_secrets_and_write_its_own_log(plain: Template) -> None:
    granted = actions(plain, "TaskExecutionRole")

    assert [resource for action, resource in granted if "ecr:BatchGetImage" in action] == [REPOSITORY]
    assert [action for action, resource in granted if resource == "*"] == ["ecr:GetAuthorizationToken"]
    assert [resource["Ref"][:6] for action, resource in granted if "secretsmanager:GetSecretValue" in action] == [
        "Secret"
    ]
    assert [resource["Fn::GetAtt"][0][:4] for action, resource in granted if "logs:PutLogEvents" in action] == ["Logs"]
    assert len(granted) == 4


def test_the_task_role_has_no_rights_at_first(plain: Template) -> None:
    assert actions(plain, "TaskTaskRole") == []


def test_an_init_process_reaps_children(plain: Template) -> None:
    assert container(plain)["LinuxParameters"]["InitProcessEnabled"] is True


def test_tmp_is_writable_if_the_root_file_system_is_read_only() -> None:
    template = service(read_only=True)

    assert container(template)["ReadonlyRootFilesystem"] is True
    assert container(template)["MountPoints"] == [{"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "tmp"}]


def test_a_writable_root_file_system_needs_no_volume(plain: Template) -> None:
    assert "MountPoints" not in container(plain)


def test_a_health_command_is_in_exec_form() -> None:
    check = container(service(health_check=ContainerCheck(["celery", "inspect", "ping"])))["HealthCheck"]

    assert check["Command"] == ["CMD", "celery", "inspect", "ping"]
