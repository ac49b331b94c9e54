"""Single tasks: a stack with a cluster and a task definition, a run of it, and its log."""

from __future__ import annotations

from typing import Any

from localcloud.testing.cloud import WRITE_LOG, Cloud, allow, definition, role, until


def stack(cluster: str, *command: str, statements: tuple[dict[str, Any], ...] = (), **container: Any) -> dict[str, Any]:
    logs = {"awslogs-group": {"Ref": "Logs"}, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "t"}
    task = {
        "Family": cluster,
        "TaskRoleArn": {"Fn::GetAtt": ["Own", "Arn"]},
        "ExecutionRoleArn": {"Fn::GetAtt": ["Execution", "Arn"]},
    }
    driver = {"LogDriver": "awslogs", "Options": logs}
    return {
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": cluster}},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/ecs/{cluster}"}},
            "Own": role(allow("s3:ListAllMyBuckets")),
            "Execution": role(WRITE_LOG, *statements),
            "Task": definition(*command, Task=task, LogConfiguration=driver, **container),
        }
    }


def run(cloud: Cloud, cluster: str, **more: Any) -> str:
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    answer = cloud.client("ecs").run_task(
        cluster=cluster, taskDefinition=cluster, launchType="FARGATE", networkConfiguration=network, **more
    )
    arn: str = answer["tasks"][0]["taskArn"]
    return arn


def running(cloud: Cloud, cluster: str, **more: Any) -> str:
    arn = run(cloud, cluster, **more)
    until("the task runs", lambda: cloud.task(cluster, arn)["lastStatus"] == "RUNNING")
    return arn


def said(cloud: Cloud, cluster: str, word: str) -> str:
    """Returns the log line that starts with ``word``, without the word."""
    logs = cloud.client("logs")

    def lines() -> list[str]:
        events = logs.filter_log_events(logGroupName=f"/ecs/{cluster}")["events"]
        return [event["message"].removeprefix(word) for event in events if event["message"].startswith(word)]

    line: str = until(f"a line {word}", lines)[0]
    return line
