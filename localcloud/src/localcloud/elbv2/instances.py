"""Targets of the type instance: health checks at a host's address, routing to healthy ones, and draining.

An instance that is on record only has no address: for it MiniStack's registration remains, which is always healthy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import alb

from localcloud.ec2 import machines
from localcloud.ecs import draining, health

SYMBOLS: tuple[str, ...] = (
    *health.SYMBOLS,
    "ministack.services.alb:_ACTION_MAP",
    "ministack.services.alb:_deregister_targets",
    "ministack.services.alb:_empty",
    "ministack.services.alb:_register_targets",
)

_PAUSE_SECONDS = 0.25
Key = tuple[str, str, int]  # target group, instance, port


@dataclass
class Registration:
    """An instance that is registered in a target group."""

    group: str
    instance_id: str
    target: health.Target
    since: float = field(default_factory=time.monotonic)
    is_draining: bool = False
    address: str = ""


_registered: dict[Key, Registration] = {}
_lock = threading.RLock()


def is_registered(group: str, instance_id: str) -> bool:
    """True as long as an instance is in a target group, or drains from it."""
    with _lock:
        return any(key[:2] == (group, instance_id) for key in _registered)


def state(group: str, instance_id: str) -> str:
    """Returns the health of an instance in a target group; empty if it is not registered."""
    with _lock:
        return next((r.target.state for key, r in _registered.items() if key[:2] == (group, instance_id)), "")


def _publish(group: str) -> None:
    """Lets the load balancer route to the healthy instances of a group, and to none else of its hosts."""
    with _lock:
        own = [(key, r) for key, r in _registered.items() if key[0] == group]
        addresses = {r.address for _key, r in own}
        others = [target for target in alb._targets.get(group, []) if target["Id"] not in addresses]
        ready = [
            {"Id": r.address, "Port": key[2]} for key, r in own if r.target.state == "healthy" and not r.is_draining
        ]
        if group in alb._tgs:
            alb._targets[group] = others + ready


def _withdraw(registration: Registration) -> None:
    group = registration.group
    alb._targets[group] = [t for t in alb._targets.get(group, []) if t["Id"] != registration.address]


def _watch(key: Key, registration: Registration, account: str, region: str) -> None:
    with request_scope(account, region):
        while _registered.get(key) is registration and not registration.is_draining:
            machine = machines.find(registration.instance_id)
            if machine is None or registration.group not in alb._tgs:  # a terminated instance leaves its groups
                break
            before = registration.target.state
            if machine.record["State"] is not machines.RUNNING:
                registration.target.state, registration.target.reason = "unused", "Target.InvalidState"
                registration.target.text = "Target is in the stopped state"
            elif time.monotonic() >= registration.target.due:
                _check(registration, machine.address)
            if registration.target.state != before:
                _publish(registration.group)
            time.sleep(_PAUSE_SECONDS)
        if registration.is_draining:
            draining.wait(registration.address, draining.delay([registration.group]))
        with _lock:
            if _registered.get(key) is registration:
                del _registered[key]
                _withdraw(registration)


def _check(registration: Registration, address: str) -> None:
    group, target = alb._tgs[registration.group], registration.target
    registration.address = address
    interval = float(group.get("HealthCheckIntervalSeconds") or 30)
    port = str(group.get("HealthCheckPort") or "traffic-port")
    good, seen = health.probe(group, address, int(port) if port.isdigit() else target.port)
    if target.state == "unused":
        target.state, registration.since = "initial", time.monotonic()
    if good:
        target.failures, target.successes = 0, target.successes + 1
        if target.state != "unhealthy" or target.successes >= int(group.get("HealthyThresholdCount") or 5):
            target.state, target.reason, target.text = "healthy", "", ""
    else:
        target.failures, target.successes = target.failures + 1, 0
        shown = seen.isdigit()
        target.text = f"Health checks failed with these codes: [{seen}]" if shown else f"Request failed: {seen}"
        target.reason = "Target.ResponseCodeMismatch" if shown else "Target.FailedHealthChecks"
        threshold = int(group.get("UnhealthyThresholdCount") or 2)
        starting = target.state == "initial" and time.monotonic() - registration.since < threshold * interval
        if not starting and target.failures >= threshold:
            target.state = "unhealthy"
    # Only a healthy target is checked at the interval: others are looked at more often than on AWS, to save time.
    target.due = time.monotonic() + (interval if good and target.state == "healthy" else health.PROBE_SECONDS)


# --- the API ---------------------------------------------------------------------------------------------------------


def _port(group: str, target: dict[str, Any]) -> int:
    return int(target.get("Port") or alb._tgs[group].get("Port") or 80)


def _of_hosts(params: Any) -> tuple[str, list[dict[str, Any]]]:
    group = alb._p(params, "TargetGroupArn")
    listed = alb._parse_targets_param(params) if group in alb._tgs else []
    return group, [t for t in listed if machines.find(t["Id"]) or any(k[:2] == (group, t["Id"]) for k in _registered)]


def _register(params: Any) -> Any:
    group, own = _of_hosts(params)
    if not own:
        return alb._register_targets(params)
    for target in own:
        key = (group, target["Id"], _port(group, target))
        with _lock:
            known = _registered.get(key)
            if known is not None and not known.is_draining:
                continue
            made = _registered[key] = Registration(group, target["Id"], health.Target(key[2]))
        arguments = (key, made, get_account_id(), get_region())
        threading.Thread(target=_watch, args=arguments, daemon=True, name="localcloud-targets").start()
    return alb._empty("RegisterTargets")


def _deregister(params: Any) -> Any:
    group, own = _of_hosts(params)
    if not own:
        return alb._deregister_targets(params)
    for target in own:
        with _lock:
            found = [
                r for k, r in _registered.items() if k[:2] == (group, target["Id"]) and target.get("Port", k[2]) == k[2]
            ]
            for registration in found:
                registration.is_draining = True
                registration.target.state = "draining"
                registration.target.reason = "Target.DeregistrationInProgress"
                registration.target.text = "Target deregistration is in progress"
                _withdraw(registration)
    return alb._empty("DeregisterTargets")


def _describing(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def describe(params: Any) -> Any:
        group = alb._p(params, "TargetGroupArn")
        with _lock:
            own = {key: r.target for key, r in _registered.items() if key[0] == group}
        wanted = alb._parse_targets_param(params)
        if not own and not any(str(target["Id"]).startswith("i-") for target in wanted):
            return original(params)
        rows = [(key[1], target) for key, target in own.items()]
        if wanted:
            known = {(identifier, target.port): target for identifier, target in rows}
            rows = [_row(known, group, target) for target in wanted]
        members = "".join(health._member(identifier, target) for identifier, target in rows)
        return alb._xml(200, "DescribeTargetHealth", f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>")

    return describe


def _row(known: dict[tuple[str, int], health.Target], group: str, wanted: dict[str, Any]) -> tuple[str, health.Target]:
    identifier, port = str(wanted["Id"]), _port(group, wanted)
    missing = health.Target(port, "unused", "Target.NotRegistered", "Target is not registered to the target group")
    return identifier, known.get((identifier, port), missing)


def install() -> None:
    """Register hosts as targets."""
    alb._ACTION_MAP["RegisterTargets"], alb._ACTION_MAP["DeregisterTargets"] = _register, _deregister
    alb._ACTION_MAP["DescribeTargetHealth"] = _describing(alb._ACTION_MAP["DescribeTargetHealth"])
