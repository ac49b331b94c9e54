"""Migrations succeed only if all containers exit with 0."""

from __future__ import annotations

from typing import Any

import pytest

from slipway_cli.release import migrations
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target
from tests.support.fake_aws import FakeAws

TASK = "arn:aws:ecs:us-east-1:111122223333:task/production-allthrive-cluster/0123456789abcdef"


def a_run(aws: FakeAws, *containers: dict[str, Any], pending: int = 0) -> None:
    """Prepares one task that is running for some polls and then stopped."""
    left = [pending]

    def describe(_: dict[str, Any]) -> dict[str, Any]:
        left[0] -= 1
        status = "RUNNING" if left[0] >= 0 else "STOPPED"
        return {"tasks": [{"taskArn": TASK, "lastStatus": status, "containers": containers, "stoppedReason": "ended"}]}

    aws.on("ecs.RunTask", lambda _: {"tasks": [{"taskArn": TASK}], "failures": []})
    aws.on("ecs.DescribeTasks", describe)
    aws.on("cloudwatchlogs.GetLogEvents", lambda _: {"events": [{"message": "relation does not exist"}]})


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "_POLL_SECONDS", 0)


def test_a_migration_runs_once_in_the_application_subnets_without_a_public_address(
    aws: FakeAws, target: Target
) -> None:
    a_run(aws, {"name": "migrate", "exitCode": 0}, pending=2)

    migrations.migrate(target, "1.2.0")

    started = [given for name, given in aws.calls if name == "ecs.RunTask"]
    assert len(started) == 1
    assert started[0]["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "DISABLED",
    }


def test_another_exit_code_fails_with_the_end_of_the_log(aws: FakeAws, target: Target) -> None:
    a_run(aws, {"name": "migrate", "exitCode": 1})

    with pytest.raises(ReleaseError, match="migrate ended with 1") as failed:
        migrations.migrate(target, "1.2.0")

    assert "relation does not exist" in str(failed.value)
    assert "/ecs/production-allthrive-migrate" in str(failed.value)


def test_a_container_that_never_started_fails_with_its_reason(aws: FakeAws, target: Target) -> None:
    a_run(aws, {"name": "migrate", "reason": "CannotPullContainerError"})

    with pytest.raises(ReleaseError, match=r"no exit code \(CannotPullContainerError\)"):
        migrations.migrate(target, "1.2.0")


def test_a_task_that_could_not_be_placed_fails_with_the_reason(aws: FakeAws, target: Target) -> None:
    aws.on("ecs.RunTask", lambda _: {"tasks": [], "failures": [{"arn": "x", "reason": "RESOURCE:CPU"}]})

    with pytest.raises(ReleaseError, match="did not start: x: RESOURCE:CPU"):
        migrations.migrate(target, "1.2.0")


def test_a_migration_that_never_ends_is_stopped(aws: FakeAws, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(aws, {"name": "migrate"}, pending=10**6)
    aws.on("ecs.StopTask", lambda _: {"task": {}})
    clock = iter(range(0, 10**9, 600))
    monkeypatch.setattr("slipway_cli.release.migrations.time.monotonic", lambda: next(clock))

    with pytest.raises(ReleaseError, match="did not end within 30 minutes and was stopped"):
        migrations.migrate(target, "1.2.0")

    assert aws.names()[-1] == "ecs.StopTask"
