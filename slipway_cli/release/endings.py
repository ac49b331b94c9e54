"""Why tasks of a failed release ended: exit codes, ECS's reasons, and the last lines of their logs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from products import names
from slipway_cli.release.target import Target

_LINES = 15  # of each service's newest ended task
_TASKS = 100  # that DescribeTasks accepts at once: docs.aws.amazon.com/AmazonECS/latest/APIReference
# How ECS marks the end of a task that a deployment replaced or an operator stopped.
_WANTED = {"ServiceSchedulerInitiated", "UserInitiated"}


def described(target: Target, since: datetime) -> str:
    """Returns a paragraph for each service whose tasks ended by themselves after a time; empty if there is none."""
    found = []
    for name in target.product.services_in(target.environment):
        tasks = [task for task in _stopped(target, name) if task["createdAt"] >= since and _failed(task)]
        if tasks:
            newest = max(tasks, key=lambda task: task["createdAt"])
            found.append(_paragraph(target, name, newest, len(tasks)))
    return "\n".join(found)


def log_end(target: Target, service: str, task: str) -> list[str]:
    """Returns the last lines that a task's container logged; empty if it logged nothing."""
    group = names.log_group(target.environment, target.product.name, service)
    stream, logs = f"{service}/{service}/{task.rsplit('/', 1)[-1]}", target.client("logs")
    try:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=_LINES)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"].rstrip() for event in events]


def _stopped(target: Target, service: str) -> list[dict[str, Any]]:
    ecs, cluster = target.client("ecs"), names.cluster(target.environment, target.product.name)
    physical = names.service(target.environment, target.product.name, service)
    try:
        listed = ecs.list_tasks(cluster=cluster, serviceName=physical, desiredStatus="STOPPED")["taskArns"]
        return list(ecs.describe_tasks(cluster=cluster, tasks=listed[:_TASKS])["tasks"]) if listed else []
    except ClientError:
        return []  # the error of the release matters more than this one


def _failed(task: dict[str, Any]) -> bool:
    codes = [container.get("exitCode") for container in task["containers"]]
    return task.get("stopCode") not in _WANTED or any(codes) or "health" in task.get("stoppedReason", "")


def _paragraph(target: Target, service: str, task: dict[str, Any], count: int) -> str:
    ends = [
        f"exit code {container['exitCode']}" if "exitCode" in container else container.get("reason", "")
        for container in task["containers"]
    ]
    reasons = [reason for reason in (*ends, task.get("stoppedReason", "")) if reason]
    tasks = f"{count} tasks ended" if count > 1 else "a task ended"
    head = f"{service}: {tasks}, the last one with {', '.join(dict.fromkeys(reasons))}"
    lines = log_end(target, service, task["taskArn"])
    if not lines:
        return f"{head}; it logged nothing."
    return "\n".join([f"{head}. Its last lines:", *(f"  {line}" for line in lines)])
