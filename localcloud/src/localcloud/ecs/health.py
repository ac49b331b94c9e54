"""The health of a service's tasks: container health checks and target group health checks, as on AWS.

One monitor thread per task runs the checks; the service scheduler and the load balancer read the results.
"""

from __future__ import annotations

import http.client
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from docker.errors import APIError, NotFound
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import alb, ecs

SYMBOLS = (
    "ministack.core.responses:request_scope",
    "ministack.services.alb:_ACTION_MAP",
    "ministack.services.alb:_describe_target_health",
    "ministack.services.alb:_p",
    "ministack.services.alb:_parse_targets_param",
    "ministack.services.alb:_targets",
    "ministack.services.alb:_tgs",
    "ministack.services.alb:_xml",
    "ministack.services.alb:set_targets_for_group",
    "ministack.services.ecs:_get_docker",
    "ministack.services.ecs:_task_ip",
    "ministack.services.ecs:_task_is_active",
    "ministack.services.ecs:_tasks",
)

STARTING, HEALTHY, UNHEALTHY = "STARTING", "HEALTHY", "UNHEALTHY"
STEADY_SECONDS = 3.0  # a task without health checks is healthy after this time
# A task that does not become healthy is replaced after this time, although AWS waits for a minute by default: a release
# that fails here fails sooner. Who asks for more than that minute gets it.
STARTUP_SECONDS = float(os.environ.get("LOCALCLOUD_STARTUP_SECONDS", "30"))
USUAL_SECONDS = 60.0
PROBE_SECONDS = 0.5
SLOWEST_PROBE_SECONDS = 10.0  # after this time at the latest, the monitor notices that its task has ended
_SUCCESS = range(200, 300)

logger = logging.getLogger("localcloud")
Task = dict[str, Any]


@dataclass
class Target:
    """A task's registration in a target group."""

    port: int
    state: str = "initial"
    reason: str = "Elb.RegistrationInProgress"
    text: str = "Target registration is in progress"
    failures: int = 0
    successes: int = 0
    due: float = 0.0
    """When the next check of a healthy task is due, on the monotonic clock."""


@dataclass
class Monitor:
    """The health of one task, and the thread that checks it."""

    task: Task
    service: Mapping[str, Any]
    definition: Mapping[str, Any]
    started: float = field(default_factory=time.monotonic)
    state: str = STARTING
    reason: str = "starting"
    targets: dict[str, Target] = field(default_factory=dict)
    changed: Callable[[], None] = lambda: None

    @property
    def age(self) -> float:
        """Seconds since the task started to run."""
        return time.monotonic() - self.started

    def patience(self) -> float:
        """Returns the seconds that the task's targets may take to become healthy; see STARTUP_SECONDS."""
        groups = [alb._tgs.get(arn) or {} for arn in self.targets]
        probes = [
            float(group.get("HealthCheckIntervalSeconds") or 30) * float(group.get("UnhealthyThresholdCount") or 2)
            for group in groups
        ]
        longest = max([self.grace, *probes, 10.0])
        return longest if self.grace > USUAL_SECONDS else min(STARTUP_SECONDS, longest)

    @property
    def grace(self) -> float:
        """Seconds after the start in which ECS ignores that a target has become unhealthy."""
        return float(self.service.get("healthCheckGracePeriodSeconds") or 0)

    def watch(self, account: str, region: str) -> None:
        """Run the checks until the task ends."""
        with request_scope(account, region):
            while ecs._task_is_active(self.task["taskArn"], self.task):
                before = self.state
                try:
                    self.check()
                except (NotFound, APIError) as error:
                    logger.debug("health of %s: %s", self.task["taskArn"], error)
                if self.state != before:
                    self.changed()
                time.sleep(self._pause())
            for target in self.targets.values():
                target.state, target.reason = "draining", "Target.DeregistrationInProgress"
                target.text = "Target deregistration is in progress"

    def _pause(self) -> float:
        if self.state != HEALTHY:
            return PROBE_SECONDS
        due = [target.due - time.monotonic() for target in self.targets.values()]
        return max(0.0, min([*due, 1.0 if self._has_container_check() else SLOWEST_PROBE_SECONDS]))

    def _has_container_check(self) -> bool:
        return any(container.get("healthCheck") for container in self.definition.get("containerDefinitions", []))

    def check(self) -> None:
        """Run every health check that is due: while the task starts all of them, then at their intervals."""
        containers, why = self._container_health()
        for arn, registration in self.targets.items():
            if self.state != HEALTHY or time.monotonic() >= registration.due:
                self._probe(arn, registration)
                interval = float((alb._tgs.get(arn) or {}).get("HealthCheckIntervalSeconds") or 30)
                registration.due = time.monotonic() + interval
        target = self._failing_target()
        if containers == UNHEALTHY:
            self._set(UNHEALTHY, why)
        elif target is not None and target.state == "unhealthy" and self.state == HEALTHY:
            if self.age >= self.grace:
                self._set(UNHEALTHY, target.text)
        elif containers == HEALTHY and target is None and self._steady():
            self._set(HEALTHY, "")
        elif self.state == STARTING and target is not None and self.age > self.patience():
            self._set(UNHEALTHY, target.text)

    def _steady(self) -> bool:
        return bool(self.targets) or self._has_container_check() or self.age >= STEADY_SECONDS

    def _set(self, state: str, reason: str) -> None:
        self.state, self.reason = state, reason
        self.task["healthStatus"] = state if state != STARTING else "UNKNOWN"
        self.task["_startup_stable"] = state == HEALTHY
        for container in self.task.get("containers", []):
            container["healthStatus"] = self.task["healthStatus"]

    def _failing_target(self) -> Target | None:
        """Returns a target that is not healthy; None if all are."""
        return next((target for target in self.targets.values() if target.state != "healthy"), None)

    def _container_health(self) -> tuple[str, str]:
        """Returns the worst result of the task's container health checks, with the reason.

        Docker runs them at their intervals, and counts retries and the start period.
        """
        client = ecs._get_docker()
        state, why = HEALTHY, ""
        for identifier, container in zip(
            list(self.task.get("_docker_ids") or ()), self.definition.get("containerDefinitions", []), strict=False
        ):
            if not container.get("healthCheck"):
                continue
            found = client.containers.get(identifier)
            reported = (found.attrs["State"].get("Health") or {}).get("Status")
            if reported == "unhealthy":
                return UNHEALTHY, f"Task failed container health checks (container {container['name']})"
            if reported == "starting" and not _passes(found, container["healthCheck"]["command"]):
                state, why = STARTING, f"container {container['name']} has not passed its health check yet"
        return state, why

    def _probe(self, arn: str, target: Target) -> None:
        group = alb._tgs.get(arn)
        address = ecs._task_ip(self.task)
        if group is None or not address:
            return
        good, seen = probe(group, address, target.port)
        if good:
            target.failures, target.successes = 0, target.successes + 1
            # One success suffices for a new target; the threshold applies to one that was unhealthy:
            # docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html, 2026-11-30
            if target.state != "unhealthy" or target.successes >= int(group.get("HealthyThresholdCount") or 5):
                target.state, target.reason, target.text = "healthy", "", ""
            return
        target.failures, target.successes = target.failures + 1, 0
        target.text = (
            f"Health checks failed with these codes: [{seen}]" if seen.isdigit() else f"Request failed: {seen}"
        )
        target.reason = "Target.ResponseCodeMismatch" if seen.isdigit() else "Target.FailedHealthChecks"
        waiting = target.state == "initial" and self.age < self.patience()
        if not waiting and target.failures >= int(group.get("UnhealthyThresholdCount") or 2):
            target.state = "unhealthy"


def _passes(container: Any, command: list[str]) -> bool:
    """Run the health check now: Docker itself waits one interval before its first run."""
    test = command[1:] if command[0] in ("CMD", "CMD-SHELL") else command
    argument = ["/bin/sh", "-c", test[0]] if command[0] == "CMD-SHELL" else test
    return bool(container.exec_run(argument).exit_code == 0)


def probe(group: Mapping[str, Any], address: str, port: int) -> tuple[bool, str]:
    """Runs a target group's health check; returns whether it passed, and the status code or the error."""
    seconds = float(group.get("HealthCheckTimeoutSeconds") or 5)
    connection = http.client.HTTPConnection(address, port, timeout=seconds)
    try:
        connection.request(
            "GET",
            group.get("HealthCheckPath") or "/",
            headers={"User-Agent": "ELB-HealthChecker/2.0", "Host": f"{address}:{port}"},
        )
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, type(error).__name__
    finally:
        connection.close()
    return matches(_matcher(group), status), str(status)


def _matcher(group: Mapping[str, Any]) -> str:
    matcher = group.get("Matcher")
    codes = matcher.get("HttpCode") if isinstance(matcher, Mapping) else matcher
    return str(codes or group.get("HttpCode") or "200")


def matches(codes: str, status: int) -> bool:
    """True if a matcher such as ``200``, ``200-299`` or ``200,301`` contains the status code."""
    for part in codes.split(","):
        first, _, last = part.strip().partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False


# --- the monitors ----------------------------------------------------------------------------------------------------

_monitors: dict[str, Monitor] = {}


def monitor(
    task: Task, service: Mapping[str, Any], definition: Mapping[str, Any], changed: Callable[[], None]
) -> Monitor:
    """Start to check the health of a service's running task."""
    targets = {
        balancer["targetGroupArn"]: Target(int(balancer.get("containerPort") or 80))
        for balancer in service.get("loadBalancers") or ()
        if balancer.get("targetGroupArn")
    }
    watched = Monitor(task, service, definition, targets=targets, changed=changed)
    for arn in [arn for arn, known in _monitors.items() if known.task.get("lastStatus") == "STOPPED"]:
        del _monitors[arn]
    _monitors[task["taskArn"]] = watched
    threading.Thread(
        target=watched.watch, args=(get_account_id(), get_region()), daemon=True, name="localcloud-health"
    ).start()
    return watched


def monitor_of(task: Task) -> Monitor | None:
    """Returns the monitor of a task; None if it has none."""
    return _monitors.get(task["taskArn"])


# --- the load balancer -----------------------------------------------------------------------------------------------


def _publish_healthy(set_targets: Callable[..., Any]) -> Callable[..., Any]:
    """Registers only healthy tasks as targets."""

    def publish(group: str, targets: Any, previous_ids: Any = ()) -> Any:
        ready = {
            ecs._task_ip(watched.task)
            for watched in list(_monitors.values())
            if group in watched.targets
            and watched.targets[group].state == "healthy"
            and watched.task.get("lastStatus") == "RUNNING"
        }
        return set_targets(group, [(address, port) for address, port in targets if address in ready], previous_ids)

    return publish


def _describe(params: Any) -> Any:
    group = alb._p(params, "TargetGroupArn")
    if group not in alb._tgs:
        return _original_describe(params)
    wanted = {target["Id"] for target in alb._parse_targets_param(params)}
    rows: dict[str, Target] = {}
    for target in alb._targets.get(group, []):
        port = int(target.get("Port") or alb._tgs[group].get("Port") or 80)
        rows[target["Id"]] = Target(port, "healthy", "", "")
    for watched in list(_monitors.values()):
        address = ecs._task_ip(watched.task)
        alive = ecs._tasks.get(watched.task["taskArn"]) is watched.task and watched.task["lastStatus"] != "STOPPED"
        if alive and address and group in watched.targets:
            rows[address] = watched.targets[group]
    members = "".join(_member(name, row) for name, row in rows.items() if not wanted or name in wanted)
    return alb._xml(200, "DescribeTargetHealth", f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>")


def _member(identifier: str, target: Target) -> str:
    reason = f"<Reason>{target.reason}</Reason>" if target.reason and target.state != "healthy" else ""
    text = f"<Description>{escape(target.text)}</Description>" if target.text and target.state != "healthy" else ""
    return (
        f"<member><Target><Id>{escape(identifier)}</Id><Port>{target.port}</Port></Target>"
        f"<HealthCheckPort>{target.port}</HealthCheckPort>"
        f"<TargetHealth><State>{target.state}</State>{reason}{text}</TargetHealth></member>"
    )


_original_describe = alb._describe_target_health


def install() -> None:
    """Route requests to healthy tasks only, and return the real health in DescribeTargetHealth."""
    alb.set_targets_for_group = _publish_healthy(alb.set_targets_for_group)
    alb._describe_target_health = _describe
    alb._ACTION_MAP["DescribeTargetHealth"] = _describe
