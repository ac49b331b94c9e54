"""Schedules start ECS tasks, with the rights of their role, and a template keeps all of their properties."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def until(found: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
    raise AssertionError(f"nothing was found within {seconds:g} s")


def role(plain: Plain, *, group: str, actions: tuple[str, ...] = ("ecs:RunTask", "iam:PassRole")) -> str:
    source = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{group}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    return plain.role(unique("starter"), {"Effect": "Allow", "Action": list(actions), "Resource": "*"}, trust=trust)


def deployed(plain: Plain, name: str, role_arn: str, **more: Any) -> dict[str, str]:
    """Deploys a cluster, a task definition, and its schedule in a group; the same name serves for all of them."""
    container = {"Name": "main", "Image": "python:3.13-slim", "Command": ["true"]}
    target = {
        "Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}",
        "RoleArn": role_arn,
        "EcsParameters": {
            "TaskDefinitionArn": {"Ref": "Task"},
            "TaskCount": 1,
            "LaunchType": "FARGATE",
            "Group": "schedule:clear",
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}},
        },
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
    }
    schedule = {
        "Name": name,
        "GroupName": {"Ref": "Group"},
        "ScheduleExpression": "rate(1 minute)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
        **more,
    }
    return plain.deploy(
        resources(
            Cluster=("AWS::ECS::Cluster", {"ClusterName": name}),
            Task=("AWS::ECS::TaskDefinition", {"Family": name, "ContainerDefinitions": [container]}),
            Group=("AWS::Scheduler::ScheduleGroup", {"Name": name}),
            Schedule=("AWS::Scheduler::Schedule", schedule),
        ),
        name,
    )


def test_a_schedule_starts_its_task(plain: Plain) -> None:
    name = unique("runs")
    deployed(plain, name, role(plain, group=name))
    ecs = plain.client("ecs")
    arns = until(lambda: ecs.list_tasks(cluster=name)["taskArns"] or stopped(plain, name))
    (task,) = ecs.describe_tasks(cluster=name, tasks=arns)["tasks"]

    assert task["group"] == "schedule:clear"
    assert f"task-definition/{name}:1" in task["taskDefinitionArn"]


def stopped(plain: Plain, cluster: str) -> list[str]:
    arns: list[str] = plain.client("ecs").list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    return arns


def errors(plain: Plain, group: str) -> float:
    points = plain.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Scheduler",
        MetricName="TargetErrorCount",
        Dimensions=[{"Name": "ScheduleGroup", "Value": group}],
        StartTime=time.time() - 300,
        EndTime=time.time() + 300,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(float(point["Sum"]) for point in points)


def test_a_role_without_the_right_to_start_the_task_is_an_error_of_the_group(plain: Plain) -> None:
    name = unique("denied")
    deployed(plain, name, role(plain, group=name, actions=("ecs:DescribeTasks",)))

    assert until(lambda: errors(plain, name))
    assert plain.client("ecs").list_tasks(cluster=name)["taskArns"] == []


def test_a_role_that_trusts_another_group_is_an_error(plain: Plain) -> None:
    name = unique("distrust")
    deployed(plain, name, role(plain, group="another"))

    assert until(lambda: errors(plain, name))


def test_a_template_keeps_time_zone_and_retry_policy_and_updates_them(plain: Plain) -> None:
    name = unique("kept")
    arn = role(plain, group=name)
    times = {"ScheduleExpression": "cron(0 3 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"}
    deployed(plain, name, arn, **times)
    scheduler = plain.client("scheduler")
    found = scheduler.get_schedule(Name=name, GroupName=name)

    assert found["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert found["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}

    deployed(plain, name, arn, **{**times, "ScheduleExpressionTimezone": "UTC", "State": "DISABLED"})
    found = scheduler.get_schedule(Name=name, GroupName=name)

    assert (found["ScheduleExpressionTimezone"], found["State"]) == ("UTC", "DISABLED")
