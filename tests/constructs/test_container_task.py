"""A task definition with one container."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from slipway.container_task import Container, ContainerTask
from tests.support.stack import empty_stack, properties
from tests.support.synthesis import Json

REPOSITORY = "arn:aws:ecr:us-east-1:111122223333:repository/shop/backend"
TASK = "AWS::ECS::TaskDefinition"


def task(**changes: Any) -> Template:
    stack = empty_stack()
    values: dict[str, Any] = {
        "name": "web",
        "image": "registry/shop@sha256:1",
        "repository_arns": [REPOSITORY],
        "command": None,
        "cpu": 256,
        "memory": 512,
        "architecture": "arm64",
        "environment": {"A": "1"},
        "secrets": {"KEY": ecs.Secret.from_secrets_manager(secretsmanager.Secret(stack, "Secret"))},
    }
    container = Container(**{**values, **changes})
    ContainerTask(stack, "Task", family="shop-web", container=container, log_group=logs.LogGroup(stack, "Logs"))
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return task()


@pytest.fixture(scope="module")
def read_only() -> Template:
    return task(read_only=True)


def container(template: Template) -> Json:
    (only,) = properties(template, TASK)["ContainerDefinitions"]
    return dict(only)


def test_the_execution_role_may_pull_its_image_read_its_secrets_and_write_its_log_and_nothing_else(
    template: Template,
) -> None:
    policy = properties(template, "AWS::IAM::Policy")
    allowed = {
        action: json.dumps(statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    assert allowed.pop("ecr:GetAuthorizationToken") == '"*"'
    assert {action.partition(":")[0] for action in allowed} == {"ecr", "secretsmanager", "logs"}
    assert {resource for action, resource in allowed.items() if action.startswith("ecr:")} == {f'"{REPOSITORY}"'}
    assert '"*"' not in allowed.values()
    assert "ExecutionRole" in json.dumps(policy["Roles"])


def test_the_task_role_has_no_rights_at_first(template: Template) -> None:
    task_role = properties(template, TASK)["TaskRoleArn"]["Fn::GetAtt"][0]

    assert {"Ref": task_role} not in properties(template, "AWS::IAM::Policy")["Roles"]
    assert "ManagedPolicyArns" not in template.find_resources("AWS::IAM::Role")[task_role]["Properties"]


def test_an_init_process_reaps_children(template: Template) -> None:
    assert container(template)["LinuxParameters"]["InitProcessEnabled"] is True


def test_tmp_is_an_empty_volume_if_the_root_file_system_is_read_only(read_only: Template) -> None:
    assert container(read_only)["ReadonlyRootFilesystem"] is True
    assert container(read_only)["MountPoints"] == [{"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "tmp"}]
    assert properties(read_only, TASK)["Volumes"] == [{"Name": "tmp"}]


def test_a_task_with_a_writable_root_file_system_has_no_volume(template: Template) -> None:
    assert "Volumes" not in properties(template, TASK)
