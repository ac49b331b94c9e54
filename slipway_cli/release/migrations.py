"""Runs the migration task once; it succeeds only with exit code 0."""

from __future__ import annotations

import time
from typing import Any

from products import names
from products.containers import Migration
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target

_POLL_SECONDS = 1.0
_TAIL = 30


def migrate(target: Target, release: str) -> None:
    """Runs the migrations of the release that the Services stack is set to.

    Raises:
        ReleaseError: if a container does not exit with 0; with the stop reason and the end of the log.
    """
    if target.product.migration is not None:
        _run(target, target.product.migration, f"release {release}", [])


def run_command(target: Target, command: list[str]) -> None:
    """Runs another command in the migration task, e.g. to seed data.

    Raises:
        ReleaseError: as `migrate` does, or if the product has no migration task.
    """
    if target.product.migration is None:
        raise ReleaseError(f"{target.product.name} has no migration task to run a command in")
    _run(target, target.product.migration, "command", [{"name": "migrate", "command": command}])


def _run(target: Target, migration: Migration, started_by: str, overrides: list[dict[str, Any]]) -> None:
    ecs = target.client("ecs")
    cluster = names.cluster(target.environment, target.product.name)
    started = ecs.run_task(
        cluster=cluster,
        taskDefinition=target.output("services", "MigrationTaskDefinition"),
        launchType="FARGATE",
        startedBy=started_by[:36],
        overrides={"containerOverrides": overrides},
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": target.output("services", "MigrationSubnets").split(","),
                "securityGroups": [target.output("services", "MigrationSecurityGroup")],
                "assignPublicIp": "DISABLED",
            }
        },
    )
    if not started["tasks"]:
        reasons = "; ".join(f"{failure.get('arn')}: {failure.get('reason')}" for failure in started.get("failures", []))
        raise ReleaseError(f"the migration task did not start: {reasons}")
    task = _wait(ecs, cluster, started["tasks"][0]["taskArn"], 60 * migration.timeout_minutes)
    if any(container.get("exitCode") != 0 for container in task["containers"]):
        raise ReleaseError(_failure(target, task))


def _wait(ecs: Any, cluster: str, task: str, seconds: int) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found: dict[str, Any] = ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"][0]
        if found["lastStatus"] == "STOPPED":
            return found
        time.sleep(_POLL_SECONDS)
    ecs.stop_task(cluster=cluster, task=task, reason="migration took too long")
    raise ReleaseError(f"the migration did not end within {seconds // 60} minutes and was stopped: {task}")


def _failure(target: Target, task: dict[str, Any]) -> str:
    ends = ", ".join(
        f"{container['name']} ended with {container.get('exitCode', 'no exit code')}"
        + (f" ({container['reason']})" if container.get("reason") else "")
        for container in task["containers"]
    )
    group = names.log_group(target.environment, target.product.name, "migrate")
    stream = f"migrate/migrate/{task['taskArn'].rsplit('/', 1)[-1]}"
    logs = target.client("logs")
    try:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=_TAIL)["events"]
    except logs.exceptions.ResourceNotFoundException:
        events = []
    lines = "\n".join(event["message"].rstrip() for event in events)
    return f"migrations failed: {ends}; {task.get('stoppedReason', '')}\nEnd of {group} ({stream}):\n{lines}"
