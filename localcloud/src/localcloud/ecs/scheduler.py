"""The service scheduler: one loop per service starts and stops its tasks, and completes or fails its deployments.

It follows ECS: it starts new tasks up to the maximum percent, stops old ones down to the minimum healthy percent, and
has a circuit breaker that fails a deployment after consecutive task failures and rolls back to the last completed one.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ecs

from localcloud.ecs import discovery, health, tasks

SYMBOLS = (
    "ministack.services.ecs:_circuit_breaker_threshold",
    "ministack.services.ecs:_deployment_for_task",
    "ministack.services.ecs:_iso",
    "ministack.services.ecs:_make_deployment",
    "ministack.services.ecs:_primary_deployment",
    "ministack.services.ecs:_reconcile_service_tasks",
    "ministack.services.ecs:_record_service_task_failure",
    "ministack.services.ecs:_recount_cluster",
    "ministack.services.ecs:_refresh_service_state",
    "ministack.services.ecs:_resolve_td_key",
    "ministack.services.ecs:_run_task",
    "ministack.services.ecs:_schedule_service_deployment_completion",
    "ministack.services.ecs:_services",
    "ministack.services.ecs:_tags",
    "ministack.services.ecs:_task_defs",
    "ministack.services.ecs:_tasks",
    "ministack.services.ecs:new_uuid",
)

TICK_SECONDS = 0.25
FREE_FAILURES = 3  # failed tasks that are replaced without a pause
LONGEST_PAUSE_SECONDS = 30.0
KEEP_FAILED_SECONDS = 5.0  # how long DescribeServices returns a failed deployment after the rollback
MAX_EVENTS = 100
_TASK_FAILURES = ("EssentialContainerExited", "TaskFailedToStart")
_LIVE = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")

logger = logging.getLogger("localcloud")
Task = dict[str, Any]
Deployment = dict[str, Any]


class Loop:
    """The scheduler of one service."""

    def __init__(self, cluster: str, key: str, service: dict[str, Any]) -> None:
        self.cluster, self.key, self.service = cluster, key, service
        self.group = f"service:{service['serviceName']}"
        self.account, self.region = get_account_id(), get_region()
        self.wake = threading.Event()
        self._pause_until = 0.0
        self._failures_in_a_row = 0

    def run(self) -> None:
        """Run the loop until the service is deleted."""
        with request_scope(self.account, self.region):
            while ecs._services.get(self.key) is self.service:
                try:
                    if not self.tick():
                        return
                except Exception:  # a temporary error of Docker must not end the loop
                    logger.exception("scheduler of %s", self.key)
                self.wake.wait(TICK_SECONDS)
                self.wake.clear()

    def tick(self) -> bool:
        """Run one round; returns False when the service has ended."""
        discovery.reconcile(self.service, self._all())
        if self.service["status"] != "ACTIVE":
            return bool(self._unstopped())
        self._count_failures()
        self._replace_unhealthy()
        self._converge()
        self._complete_deployment()
        ecs._refresh_service_state(self.cluster, self.group)
        ecs._recount_cluster(self.cluster)
        return True

    # -- the service's tasks

    def _all(self) -> list[Task]:
        arn = self.service["clusterArn"]
        return [task for task in list(ecs._tasks.values()) if task["group"] == self.group and task["clusterArn"] == arn]

    def _unstopped(self) -> list[Task]:
        """Returns the tasks that still have, or will have, containers."""
        return [task for task in self._all() if task["lastStatus"] != "STOPPED"]

    def _live(self, deployment: Deployment) -> list[Task]:
        """Returns the tasks of a deployment that are not being stopped."""
        return [task for task in self._all_live() if ecs._deployment_for_task(self.service, task) is deployment]

    def _live_of_others(self, deployment: Deployment) -> list[Task]:
        """Returns the tasks of all other deployments that are not being stopped."""
        return [task for task in self._all_live() if ecs._deployment_for_task(self.service, task) is not deployment]

    def _all_live(self) -> list[Task]:
        return [
            task for task in self._unstopped() if task["lastStatus"] in _LIVE and task["desiredStatus"] == "RUNNING"
        ]

    def event(self, message: str) -> None:
        """Add a message to the service's events."""
        text = f"(service {self.service['serviceName']}) {message}"
        self.service["events"].insert(0, {"id": ecs.new_uuid(), "createdAt": ecs._iso(), "message": text})
        del self.service["events"][MAX_EVENTS:]

    # -- failures

    def _count_failures(self) -> None:
        for task in self._all():
            if task["lastStatus"] != "STOPPED" or task.get("_counted"):
                continue
            task["_counted"] = True
            if task.get("_unhealthy") or task.get("stopCode") in _TASK_FAILURES:
                self._count_failure(task)

    def _count_failure(self, task: Task) -> None:
        self._failures_in_a_row += 1
        if self._failures_in_a_row > FREE_FAILURES:
            pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** (self._failures_in_a_row - FREE_FAILURES))
            self._pause_until = time.monotonic() + pause
        if task.get("stopCode") == "TaskFailedToStart":
            self.event(f"was unable to place a task. Reason: {task.get('stoppedReason', '')}")
        deployment = ecs._deployment_for_task(self.service, task)
        primary = ecs._primary_deployment(self.service)
        if deployment is not primary or primary is None or primary["rolloutState"] != "IN_PROGRESS":
            return
        primary["failedTasks"] = int(primary.get("failedTasks", 0)) + 1
        primary["updatedAt"] = ecs._iso()
        primary["_last_failure"] = task.get("stoppedReason", "")
        if self._breaker().get("enable") and primary["failedTasks"] >= ecs._circuit_breaker_threshold(self.service):
            self._fail(primary)

    def _breaker(self) -> dict[str, Any]:
        return (self.service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}

    def _fail(self, deployment: Deployment) -> None:
        deployment.update(rolloutState="FAILED", desiredCount=0, updatedAt=ecs._iso(), _failed_at=time.monotonic())
        deployment["rolloutStateReason"] = (
            f"ECS deployment circuit breaker: tasks failed to start. ({deployment.get('_last_failure', '')})"
        )
        self.event(f"(deployment {deployment['id']}) deployment failed: tasks failed to start.")
        target = self.service.get("_completed")
        if not self._breaker().get("rollback") or not target:
            for task in self._live(deployment):
                self._stop(task, "Deployment failed")
            return
        earlier = next(
            (known for known in self.service["deployments"] if known["taskDefinition"] == target), None
        ) or ecs._make_deployment(target, self.service["desiredCount"])
        others = [known for known in self.service["deployments"] if known is not earlier]
        self.service["deployments"] = [earlier, *others]  # the primary one is always the first
        deployment["status"] = "ACTIVE"
        earlier.update(
            status="PRIMARY",
            desiredCount=self.service["desiredCount"],
            failedTasks=0,
            rolloutState="IN_PROGRESS",
            rolloutStateReason=f"ECS deployment circuit breaker: rolling back to deploymentId {earlier['id']}.",
            updatedAt=ecs._iso(),
        )
        self.service["taskDefinition"] = target
        self._failures_in_a_row, self._pause_until = 0, 0.0
        self.event(f"rolling back to deployment {earlier['id']}.")

    def _replace_unhealthy(self) -> None:
        for task in self._unstopped():
            monitor = health.monitor_of(task)
            if monitor is None or monitor.state != health.UNHEALTHY or task["desiredStatus"] != "RUNNING":
                continue
            task["_unhealthy"] = True
            task_id = task["taskArn"].rsplit("/", 1)[-1]
            self.event(f"(task {task_id}) is unhealthy: {monitor.reason}")
            self._stop(task, monitor.reason)

    # -- towards the desired count

    def _converge(self) -> None:
        primary = ecs._primary_deployment(self.service)
        if primary is None:
            return
        desired = int(self.service["desiredCount"])
        current, old = self._live(primary), self._live_of_others(primary)
        settings = self.service.get("deploymentConfiguration") or {}
        lowest = math.ceil(desired * int(settings.get("minimumHealthyPercent", 100)) / 100)
        most = max(1, desired * int(settings.get("maximumPercent", 200)) // 100) if desired else 0
        self._shrink(current, desired)
        if primary["rolloutState"] == "FAILED":
            return
        wanted = max(0, desired - len(current))
        room = most - len(self._unstopped())
        if wanted > room:
            self._make_room(old, current, wanted - max(0, room), lowest)
        self._launch(primary, min(wanted, room))
        spare = len(_healthy(current)) + len(_healthy(old)) - lowest
        if wanted == 0 or desired == 0:
            self._drain(old, current, desired, spare)

    def _shrink(self, current: list[Task], desired: int) -> None:
        newest_first = sorted(current, key=lambda task: str(task["createdAt"]), reverse=True)
        for task in newest_first[: max(0, len(current) - desired)]:
            self._stop(task, f"Scaling activity initiated by (deployment {task.get('_deployment_id')})")

    def _make_room(self, old: list[Task], current: list[Task], count: int, lowest: int) -> None:
        """Stop old tasks before new ones start, as far as the minimum healthy percent allows."""
        sick = [task for task in old if task not in _healthy(old)]
        spare = max(0, len(_healthy(current)) + len(_healthy(old)) - lowest)
        for task in [*sick, *_healthy(old)[:spare]][:count]:
            self._stop(task, "Scaling activity initiated by deployment")

    def _drain(self, old: list[Task], current: list[Task], desired: int, spare: int) -> None:
        """Stop old tasks while enough healthy ones remain."""
        if desired == 0:
            spare = len(old)
        elif len(_healthy(current)) < desired:
            old, spare = _healthy(old), max(0, min(spare, len(_healthy(current))))
        for task in old[: max(spare, 0)] if len(_healthy(current)) < desired else old:
            self._stop(task, "Scaling activity initiated by deployment")

    def _stop(self, task: Task, reason: str) -> None:
        tasks.begin_stop(task, reason, "ServiceSchedulerInitiated")

    def _launch(self, primary: Deployment, count: int) -> None:
        if count <= 0 or time.monotonic() < self._pause_until:
            return
        service = self.service
        started = ecs._run_task(
            {
                "cluster": self.cluster,
                "taskDefinition": service["taskDefinition"],
                "count": count,
                "group": self.group,
                "startedBy": primary["id"],
                "launchType": service.get("launchType"),
                "capacityProviderStrategy": service.get("capacityProviderStrategy"),
                "platformVersion": service.get("platformVersion", ""),
                "networkConfiguration": service.get("networkConfiguration", {}),
                "enableExecuteCommand": service.get("enableExecuteCommand", False),
                "tags": self._propagated_tags(),
                "_deploymentId": primary["id"],
            }
        )
        if started[0] >= 400:  # noqa: PLR2004 - an error of HTTP
            self.event(f"was unable to place a task: {started[2]!r}")
        else:
            self.event(f"has started {count} tasks.")

    def _propagated_tags(self) -> list[dict[str, str]]:
        origin = {"SERVICE": self.service["serviceArn"], "TASK_DEFINITION": self.service["taskDefinition"]}
        return list(ecs._tags.get(origin.get(str(self.service.get("propagateTags")), ""), []))

    # -- completed deployments

    def _complete_deployment(self) -> None:
        primary = ecs._primary_deployment(self.service)
        if primary is None:
            return
        current = self._live(primary)
        if _healthy(current):
            self._failures_in_a_row = 0
            if self._breaker().get("resetOnHealthyTask", True) and primary["rolloutState"] == "IN_PROGRESS":
                primary["failedTasks"] = 0
        enough = len(_healthy(current)) == len(current) == int(self.service["desiredCount"])
        if primary["rolloutState"] == "IN_PROGRESS" and enough and not self._live_of_others(primary):
            # Before the deployment is complete: a client that waits for it sends requests at once, which need a target.
            ecs._refresh_service_state(self.cluster, self.group)
            primary.update(
                rolloutState="COMPLETED", rolloutStateReason=f"ECS deployment {primary['id']} completed.", failedTasks=0
            )
            primary["updatedAt"] = ecs._iso()
            self.service["_completed"] = primary["taskDefinition"]
            self.event(f"(deployment {primary['id']}) deployment completed.")
            self.event("has reached a steady state.")
        if primary["rolloutState"] == "COMPLETED":
            self.service["deployments"] = [known for known in self.service["deployments"] if self._kept(known, primary)]

    def _kept(self, deployment: Deployment, primary: Deployment) -> bool:
        """True if DescribeServices still returns a deployment beside the completed one."""
        if deployment is primary or self._live(deployment):
            return True
        return time.monotonic() - float(deployment.get("_failed_at", -math.inf)) < KEEP_FAILED_SECONDS


def _healthy(candidates: list[Task]) -> list[Task]:
    monitors = [(task, health.monitor_of(task)) for task in candidates]
    return [task for task, monitor in monitors if monitor is not None and monitor.state == health.HEALTHY]


# --- installation ----------------------------------------------------------------------------------------------------

_loops: dict[tuple[str, str, str], tuple[Loop, threading.Thread]] = {}
_lock = threading.Lock()


def keep(cluster: str, key: str) -> None:
    """Start the loop of a service if it has none, and wake it."""
    service = ecs._services.get(key)
    if service is None:
        return
    name = (get_account_id(), get_region(), key)
    with _lock:
        loop, thread = _loops.get(name, (None, None))
        if loop is None or loop.service is not service or thread is None or not thread.is_alive():
            loop = Loop(cluster, key, service)
            thread = threading.Thread(
                target=loop.run, daemon=True, name=f"localcloud-scheduler-{service['serviceName']}"
            )
            _loops[name] = (loop, thread)
            thread.start()
    loop.wake.set()


def _started(cluster: str, key: str, _account: str, _region: str, healthy_task: Task | None = None) -> None:
    """Monitor the health of a service's task that has started to run."""
    service = ecs._services.get(key)
    if service is None or healthy_task is None:
        return
    definition = ecs._task_defs.get(ecs._resolve_td_key(healthy_task["taskDefinitionArn"])) or {}
    account, region = get_account_id(), get_region()

    def changed() -> None:
        with request_scope(account, region):
            keep(cluster, key)

    health.monitor(healthy_task, service, definition, changed)
    keep(cluster, key)


def install() -> None:
    """Replace MiniStack's scheduling if Docker is available."""
    original_reconcile, make = ecs._reconcile_service_tasks, ecs._make_deployment

    def reconcile(cluster: str, key: str) -> None:
        if ecs._get_docker():
            keep(cluster, key)
        else:
            original_reconcile(cluster, key)

    def failed(task: Task, **_named: Any) -> None:
        cluster = task["clusterArn"].rsplit("/", 1)[-1]
        if task.get("group", "").startswith("service:"):
            reconcile(cluster, f"{cluster}/{task['group'].split(':', 1)[1]}")

    def make_deployment(definition: str, desired: int, status: str = "PRIMARY") -> Any:
        deployment = make(definition, desired, status)
        if ecs._get_docker():
            deployment.update(rolloutState="IN_PROGRESS", rolloutStateReason="ECS deployment in progress.")
        return deployment

    ecs._reconcile_service_tasks = reconcile
    ecs._record_service_task_failure = failed
    ecs._schedule_service_deployment_completion = _started
    ecs._make_deployment = make_deployment
