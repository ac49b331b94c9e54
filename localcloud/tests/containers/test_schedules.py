"""A schedule starts a container, and its failure is an event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.testing.cloud import PULL, WRITE_LOG, Cloud, allow, role, until
from localcloud.testing.plain import ACCOUNT, REGION, unique
from localcloud.testing.tasks import said, stack

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

FAILURES: dict[str, Any] = {
    "source": ["aws.ecs"],
    "detail-type": ["ECS Task State Change"],
    "detail": {
        "group": [{"prefix": "schedule:"}],
        "lastStatus": ["STOPPED"],
        "$or": [
            {"containers": {"exitCode": [{"anything-but": [0]}]}},
            {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
        ],
    },
}


def scheduled(name: str, command: str) -> dict[str, Any]:
    """Returns a stack with a schedule that is due at once, and a log group for the failures of its tasks."""
    template = stack(name, "python", "-c", command, statements=(PULL, WRITE_LOG))
    start = role(allow(["ecs:RunTask", "iam:PassRole"]), service="scheduler.amazonaws.com")
    failures = f"/failures/{name}"
    pattern = {**FAILURES, "detail": {**FAILURES["detail"], "clusterArn": [{"Fn::GetAtt": ["Cluster", "Arn"]}]}}
    target = {
        "Arn": {"Fn::GetAtt": ["Cluster", "Arn"]},
        "RoleArn": {"Fn::GetAtt": ["Start", "Arn"]},
        "EcsParameters": {
            "TaskDefinitionArn": {"Ref": "Task"},
            "LaunchType": "FARGATE",
            "Group": "schedule:clear",
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
        },
    }
    template["Resources"] |= {
        "Start": start,
        "Failures": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": failures}},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": pattern,
                "Targets": [{"Id": "t", "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{failures}"}],
            },
        },
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": name,
                "ScheduleExpression": "rate(1 day)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": target,
            },
            "DependsOn": ["Rule", "Failures"],
        },
    }
    return template


def failures(cloud: Cloud, name: str) -> list[Any]:
    events = cloud.client("logs").filter_log_events(logGroupName=f"/failures/{name}")["events"]
    return [json.loads(event["message"])["detail"] for event in events]


def test_a_schedule_runs_its_container(cloud: Cloud) -> None:
    name = unique("clear")
    cloud.deploy(scheduled(name, "print('cleared 3')"), name)

    assert said(cloud, name, "cleared ") == "3"
    until("the task ends", lambda: cloud.client("ecs").list_tasks(cluster=name, desiredStatus="STOPPED")["taskArns"])
    assert failures(cloud, name) == []


def test_a_container_that_fails_is_an_event(cloud: Cloud) -> None:
    name = unique("fails")
    cloud.deploy(scheduled(name, "raise SystemExit(3)"), name)
    (detail,) = until("the event", lambda: failures(cloud, name))

    assert detail["group"] == "schedule:clear"
    assert detail["containers"][0]["exitCode"] == 3
    assert detail["stopCode"] == "EssentialContainerExited"
