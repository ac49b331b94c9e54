"""RunTask with a client token."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def definition(plain: Plain) -> tuple[str, str]:
    """Creates a cluster and a task definition; returns their names."""
    name = unique("once")
    container = {"Name": "main", "Image": "python:3.13-slim", "Command": ["true"]}
    plain.deploy(
        resources(
            Cluster=("AWS::ECS::Cluster", {"ClusterName": name}),
            Task=("AWS::ECS::TaskDefinition", {"Family": name, "ContainerDefinitions": [container]}),
        )
    )
    return name, name


def test_a_repeated_token_returns_the_same_task(plain: Plain) -> None:
    cluster, family = definition(plain)
    ecs, token = plain.client("ecs"), unique("token")
    first = ecs.run_task(cluster=cluster, taskDefinition=family, clientToken=token)["tasks"]
    again = ecs.run_task(cluster=cluster, taskDefinition=family, clientToken=token)["tasks"]
    assert [task["taskArn"] for task in first] == [task["taskArn"] for task in again]
    assert len(ecs.list_tasks(cluster=cluster)["taskArns"]) == 1


def test_a_new_token_or_none_starts_another_task(plain: Plain) -> None:
    cluster, task = definition(plain)
    ecs = plain.client("ecs")
    ecs.run_task(cluster=cluster, taskDefinition=task, clientToken=unique("token"))
    ecs.run_task(cluster=cluster, taskDefinition=task, clientToken=unique("token"))
    ecs.run_task(cluster=cluster, taskDefinition=task)
    ecs.run_task(cluster=cluster, taskDefinition=task)
    assert len(ecs.list_tasks(cluster=cluster)["taskArns"]) == 4


def test_a_token_with_other_parameters_is_a_conflict_with_the_tasks_arn(plain: Plain) -> None:
    cluster, task = definition(plain)
    ecs, token = plain.client("ecs"), unique("token")
    first = ecs.run_task(cluster=cluster, taskDefinition=task, clientToken=token)["tasks"][0]["taskArn"]
    with pytest.raises(ClientError) as failure:
        ecs.run_task(cluster=cluster, taskDefinition=task, clientToken=token, count=2)
    assert failure.value.response["Error"]["Code"] == "ConflictException"
    assert failure.value.response["resourceIds"] == [first]
