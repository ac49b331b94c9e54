"""Starts the targets of schedules that are due, once for each time."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_region, new_uuid, request_scope
from ministack.services import scheduler

from localcloud import adapter, clients, settings
from localcloud.cloudformation import coercion
from localcloud.ecs import credentials
from localcloud.scheduler import times

SYMBOLS: tuple[str, ...] = (
    *times.SYMBOLS,
    "ministack.core.responses:new_uuid",
    "ministack.core.responses:request_scope",
    "ministack.services.scheduler:_SCHEDULE_TICK_INTERVAL",
    "ministack.services.scheduler:_group_arn",
    "ministack.services.scheduler:_schedules",
    "ministack.services.scheduler:_tick_schedules",
)

PRINCIPAL = "scheduler.amazonaws.com"
NAMESPACE = "AWS/Scheduler"
_EVERY_SECONDS = float(os.environ.get("LOCALCLOUD_SCHEDULES_EVERY", "1"))
_ECS_OPTIONS = (
    "CapacityProviderStrategy",
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "Group",
    "LaunchType",
    "NetworkConfiguration",
    "PlacementConstraints",
    "PlacementStrategy",
    "PlatformVersion",
    "PropagateTags",
    "ReferenceId",
    "Tags",
)

logger = logging.getLogger("localcloud")
Schedule = Mapping[str, Any]
Key = tuple[str, str, str]
"""Account, region, and `group/name`."""


@dataclass
class Clock:
    """Remembers until when each schedule was examined, so that each of its times starts the target once."""

    start: Callable[[Schedule], None]
    _examined: dict[Key, float] = field(default_factory=dict)

    def tick(self, now: float) -> None:
        """Start the target of each schedule that has become due since the last tick; an error is logged."""
        found: dict[Key, Schedule] = dict(scheduler._schedules._data.items())
        for key in self._examined.keys() - found.keys():
            del self._examined[key]
        for key, schedule in found.items():
            since = self._examined.get(key, float(schedule["CreationDate"]) - 1)
            self._examined[key] = now
            account, region, _ = key
            with request_scope(account, region):
                try:
                    if is_due(schedule, since, now):
                        self.start(schedule)
                except Exception:
                    logger.exception("schedule %s", schedule.get("Arn"))


def is_due(schedule: Schedule, since: float, now: float) -> bool:
    """True if an enabled schedule starts its target at a time after `since`, `now` included."""
    if schedule.get("State") != "ENABLED" or (schedule.get("EndDate") and now > float(schedule["EndDate"])):
        return False
    due = times.next_after(schedule, since)
    return due is not None and due <= now


def deliver(schedule: Schedule) -> None:
    """Start the target of a schedule with the schedule's role; a failure counts as dropped and goes to its queue."""
    target, group = schedule["Target"], str(schedule["GroupName"])
    _count("InvocationAttemptCount", group)
    try:
        _run_task(schedule, target)
    except (BotoCoreError, ClientError, KeyError, ValueError) as error:
        logger.warning("schedule %s did not start its target: %s", schedule.get("Name"), error)
        _count("TargetErrorCount", group)
        _count("InvocationDroppedCount", group)
        if queue := (target.get("DeadLetterConfig") or {}).get("Arn"):
            sqs = adapter.client("sqs")
            url = sqs.get_queue_url(QueueName=queue.rsplit(":", 1)[-1])["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=target.get("Input") or "{}")


def _run_task(schedule: Schedule, target: Mapping[str, Any]) -> None:
    declared = target.get("EcsParameters")
    if not declared:
        raise ValueError(f"the local cloud starts ECS tasks only, not {target.get('Arn')}")
    keys = credentials.session(
        target["RoleArn"], new_uuid(), principal=PRINCIPAL, source_arn=scheduler._group_arn(schedule["GroupName"])
    )
    client = clients.client("ecs", keys, get_region(), user_agent_extra=settings.INNER)
    wanted: dict[str, Any] = {
        "cluster": target["Arn"],
        "taskDefinition": declared["TaskDefinitionArn"],
        "count": declared.get("TaskCount", 1),
        "startedBy": f"chronos-schedule/{schedule['Name']}"[:36],
        **{name: declared[name] for name in _ECS_OPTIONS if name in declared},
    }
    if target.get("Input"):
        wanted["overrides"] = json.loads(target["Input"])
    shape = client.meta.service_model.operation_model("RunTask").input_shape
    failures = client.run_task(**coercion.coerce(shape, wanted)).get("failures")
    if failures:
        raise ValueError(str(failures[0].get("reason")))


def _count(metric: str, group: str) -> None:
    datum = {"MetricName": metric, "Dimensions": [{"Name": "ScheduleGroup", "Value": group}], "Value": 1.0}
    adapter.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def install() -> None:
    """Replace MiniStack's clock, which its own thread calls."""
    clock = Clock(deliver)
    scheduler._SCHEDULE_TICK_INTERVAL = _EVERY_SECONDS
    scheduler._tick_schedules = lambda: clock.tick(time.time())
