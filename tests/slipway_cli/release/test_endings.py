"""A failed release shows why its tasks ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from slipway_cli.release import endings
from slipway_cli.release.target import Target
from tests.support.fake_aws import FakeAws, Refused

SINCE = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BEFORE, AFTER = SINCE.timestamp() - 60, SINCE.timestamp() + 60
TASK = "arn:aws:ecs:us-east-1:111122223333:task/production-allthrive-cluster/{}"


def task(name: str, **more: Any) -> dict[str, Any]:
    return {
        "taskArn": TASK.format(name),
        "createdAt": AFTER,
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "web", "exitCode": 1}],
        **more,
    }


class Ecs:
    """The stopped tasks of the web service, and their logs by stream."""

    def __init__(self, aws: FakeAws, *tasks: dict[str, Any], logs: dict[str, list[str]] | None = None) -> None:
        self._tasks, self._logs = list(tasks), logs or {}
        aws.on("ecs.ListTasks", self._list)
        aws.on("ecs.DescribeTasks", lambda _: {"tasks": self._tasks})
        aws.on("cloudwatchlogs.GetLogEvents", self._events)

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        ours = given["serviceName"] == "production-allthrive-web" and given["desiredStatus"] == "STOPPED"
        return {"taskArns": [task["taskArn"] for task in self._tasks] if ours else []}

    def _events(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["logStreamName"] not in self._logs:
            raise Refused("ResourceNotFoundException")
        return {"events": [{"message": line} for line in self._logs[given["logStreamName"]]]}


def test_the_exit_code_and_the_last_lines_are_shown(aws: FakeAws, target: Target) -> None:
    Ecs(aws, task("a"), logs={"web/web/a": ["Traceback", "KeyError: 'DJANGO_SECRET_KEY'\n"]})

    assert endings.described(target, SINCE) == (
        "web: a task ended, the last one with exit code 1, Essential container in task exited. Its last lines:\n"
        "  Traceback\n"
        "  KeyError: 'DJANGO_SECRET_KEY'"
    )


def test_of_several_tasks_the_newest_is_shown(aws: FakeAws, target: Target) -> None:
    newest = task("b", createdAt=AFTER + 1, containers=[{"name": "web", "exitCode": 137}])
    Ecs(aws, task("a"), newest, logs={"web/web/a": ["old"], "web/web/b": ["killed"]})

    shown = endings.described(target, SINCE)

    assert shown.startswith("web: 2 tasks ended, the last one with exit code 137")
    assert "killed" in shown
    assert "old" not in shown


def test_an_image_that_cannot_be_pulled_has_a_reason_and_no_log(aws: FakeAws, target: Target) -> None:
    reason = "CannotPullContainerError: manifest unknown"
    failed = task("a", stopCode="TaskFailedToStart", stoppedReason=reason, containers=[{"name": "web"}])
    Ecs(aws, failed)

    assert endings.described(target, SINCE) == (f"web: a task ended, the last one with {reason}; it logged nothing.")


def test_a_task_that_fails_its_health_check_is_shown_although_ecs_stopped_it(aws: FakeAws, target: Target) -> None:
    reason = "Task failed ELB health checks in (target-group x)"
    unhealthy = task(
        "a", stopCode="ServiceSchedulerInitiated", stoppedReason=reason, containers=[{"name": "web", "exitCode": 0}]
    )
    Ecs(aws, unhealthy, logs={"web/web/a": ["Not Found: /health/"]})

    assert "Not Found: /health/" in endings.described(target, SINCE)


@pytest.mark.parametrize(
    "replaced",
    [
        task("a", createdAt=BEFORE),
        task("a", stopCode="ServiceSchedulerInitiated", stoppedReason="Scaling", containers=[{"name": "web"}]),
        task("a", stopCode="UserInitiated", stoppedReason="", containers=[{"name": "web", "exitCode": 0}]),
    ],
    ids=["an earlier task", "a replaced task", "a task that an operator stopped"],
)
def test_tasks_that_the_release_did_not_end_are_left_out(
    replaced: dict[str, Any], aws: FakeAws, target: Target
) -> None:
    Ecs(aws, replaced)

    assert endings.described(target, SINCE) == ""


def test_a_missing_permission_does_not_hide_the_failure_of_the_release(aws: FakeAws, target: Target) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused("AccessDeniedException")

    aws.on("ecs.ListTasks", refuse)

    assert endings.described(target, SINCE) == ""
