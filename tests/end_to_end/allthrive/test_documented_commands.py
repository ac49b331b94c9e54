"""The commands in AllThrive's documentation work verbatim after `source .slipway/local.env`."""

from __future__ import annotations

import json
import time

import pytest

from tests.end_to_end.allthrive.conftest import AllThrive

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

CHECK_STATUS = r"""
aws ecs describe-services \
  --cluster production-allthrive-cluster \
  --services production-allthrive-web \
  --query 'services[0].deployments'
"""
TASK_ARN = r"""
# Get task ARN
TASK_ARN=$(aws ecs list-tasks \
  --cluster production-allthrive-cluster \
  --service-name production-allthrive-web \
  --query 'taskArns[0]' --output text)
"""
RUN_COMMAND = r"""
# Run management command
aws ecs execute-command \
  --cluster production-allthrive-cluster \
  --task $TASK_ARN \
  --container web \
  --command "python manage.py <command>" \
  --interactive
"""
SEED = r"""
# Run all seed commands
for cmd in seed_topics seed_taxonomies seed_categories seed_tools seed_quizzes; do
  aws ecs execute-command \
    --cluster production-allthrive-cluster \
    --task $TASK_ARN \
    --container web \
    --command "python manage.py $cmd" \
    --interactive
done
"""
TAIL = r"""
# ECS logs
aws logs tail /ecs/production-allthrive-web --follow
"""
FILTER = r"""
# CloudWatch insights
aws logs filter-log-events \
  --log-group-name /ecs/production-allthrive-web \
  --filter-pattern "ERROR"
"""


def test_check_deployment_status(allthrive: AllThrive) -> None:
    done = allthrive.shell(CHECK_STATUS)

    assert '"status": "PRIMARY"' in done.stdout, done.stderr
    assert '"runningCount": 2' in done.stdout


def test_run_commands_on_ecs(allthrive: AllThrive) -> None:
    done = allthrive.shell(TASK_ARN + RUN_COMMAND.replace("<command>", "showmigrations --list"))

    assert done.returncode == 0, done.stderr
    assert "[X] 0001_" in done.stdout
    assert "[ ]" not in done.stdout


def test_a_command_has_a_terminal_if_the_user_has_one(allthrive: AllThrive) -> None:
    script = TASK_ARN + RUN_COMMAND.replace("python manage.py <command>", "test -t 0")

    done = allthrive.shell(f"{TASK_ARN}\nexport TASK_ARN\nscript -qec '{script}' /dev/null; echo ended with $?")

    assert "ended with 0" in done.stdout, done.stdout + done.stderr


def test_seed_data(allthrive: AllThrive) -> None:
    done = allthrive.shell(TASK_ARN + SEED + SEED)

    assert done.returncode == 0, done.stderr
    assert "topics: 0 created, 6 already there" in done.stdout
    for what in ("topics", "taxonomies", "categories", "tools", "quizzes"):
        assert f"{what}: " in done.stdout


def test_follow_logs(allthrive: AllThrive) -> None:
    done = allthrive.shell(TAIL.replace("aws logs", "timeout 8 aws logs"))

    assert "GET /api/v1/health/" in done.stdout, done.stderr


def test_look_for_errors_in_the_logs(allthrive: AllThrive) -> None:
    logs, group, now = allthrive.client("logs"), "/ecs/production-allthrive-web", int(time.time() * 1000)
    logs.create_log_stream(logGroupName=group, logStreamName="probe")
    lines = ["ERROR a probe", "INFO a probe"]
    events = [{"timestamp": now, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="probe", logEvents=events)

    done = allthrive.shell(FILTER)

    assert done.returncode == 0, done.stderr
    found = [event["message"] for event in json.loads(done.stdout)["events"]]
    assert "ERROR a probe" in found
    assert [message for message in found if "ERROR" not in message] == []
