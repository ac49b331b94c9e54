"""The status of a pod, computed from its containers as the kubelet does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.kubernetes.api import Json
from localcloud.kubernetes.events import now

OOM_KILLED, COMPLETED, ERROR = "OOMKilled", "Completed", "Error"
_CREATING, _INITIALIZING = "ContainerCreating", "PodInitializing"


@dataclass
class Container:
    """One container of a pod, over all its restarts."""

    spec: Mapping[str, Any]
    is_init: bool = False
    docker_id: str = ""
    attempt: int = -1
    """The number of the attempt that runs or ended last; -1 before the first."""
    state: Json = field(default_factory=lambda: {"waiting": {"reason": _CREATING}})
    last: Json = field(default_factory=dict)
    image_id: str = ""
    started: bool = False
    ready: bool = False
    kill_reason: str = ""
    """Why a probe wants it to be restarted."""
    due: float = 0.0
    """When it may start again, or its image may be pulled again, on the monotonic clock."""
    delay: float = 0.0
    """The current back-off in seconds."""

    @property
    def name(self) -> str:
        """Its name in the pod."""
        return str(self.spec["name"])

    @property
    def is_running(self) -> bool:
        """True while it runs."""
        return "running" in self.state

    @property
    def ended(self) -> Json | None:
        """The state in which it ended last; None if it runs, or has never run."""
        found: Json | None = self.state.get("terminated") or (
            self.last.get("terminated") if not self.is_running and self.attempt >= 0 else None
        )
        return found

    @property
    def has_succeeded(self) -> bool:
        """True if it ended with exit code 0."""
        return self.ended is not None and self.ended["exitCode"] == 0

    def wait(self, reason: str, message: str = "") -> None:
        """Lets it wait for a reason; how it ended is kept as its last state."""
        if "terminated" in self.state:
            self.last = self.state
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        self.started = self.ready = False

    def described(self) -> Json:
        """Returns its status."""
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": self.image_id,
            "containerID": f"docker://{self.docker_id}" if self.docker_id else "",
            "restartCount": max(self.attempt, 0),
            "ready": self.ready or (self.is_init and self.has_succeeded),
            "started": self.started,
            "state": self.state,
            "lastState": self.last,
        }


def ended(state: Mapping[str, Any], docker_id: str) -> Json:
    """Returns the terminated state of a container from Docker's description of its state."""
    code = int(state["ExitCode"])
    reason = OOM_KILLED if state.get("OOMKilled") else COMPLETED if code == 0 else ERROR
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "startedAt": _seconds(state["StartedAt"]),
            "finishedAt": _seconds(state["FinishedAt"]),
            "containerID": f"docker://{docker_id}",
        }
    }


def _seconds(timestamp: str) -> str:
    return timestamp.partition(".")[0].removesuffix("Z") + "Z"


def phase(pod: Json, containers: Sequence[Container]) -> str:
    """Returns the phase of a pod."""
    policy = pod["spec"].get("restartPolicy", "Always")
    inits, mains = _split(containers)
    if policy == "Never" and any(c.ended is not None and not c.has_succeeded for c in inits):
        return "Failed"
    if not all(c.has_succeeded for c in inits):
        return "Pending"
    if any(c.is_running for c in mains):
        return "Running"
    if policy != "Always" and all(c.ended is not None for c in mains):
        if all(c.has_succeeded for c in mains):
            return "Succeeded"
        if policy == "Never":
            return "Failed"
    return "Running" if all(c.attempt >= 0 for c in mains) else "Pending"


def _split(containers: Iterable[Container]) -> tuple[list[Container], list[Container]]:
    listed = list(containers)
    return [c for c in listed if c.is_init], [c for c in listed if not c.is_init]


def of(
    pod: Json,
    containers: Sequence[Container],
    addresses: tuple[str, str],
    since: str,
    known_conditions: Iterable[Json] = (),
    *,
    is_over: bool = False,
) -> Json:
    """Returns the status of a pod; ``addresses`` are the node's and the pod's. Later known conditions are newer."""
    inits, mains = _split(containers)
    known = phase(pod, containers)
    host, own = addresses
    if is_over and known not in ("Succeeded", "Failed"):
        known = "Succeeded" if all(c.has_succeeded for c in mains) else "Failed"
    unready = [c.name for c in mains if not c.ready]
    uninitialized = [c.name for c in inits if not c.has_succeeded]
    completed = {"reason": "PodCompleted"} if known == "Succeeded" else {}
    conditions = [
        _condition(
            "Initialized", not uninitialized, "ContainersNotInitialized", "incomplete", uninitialized, completed
        ),
        _condition("Ready", not unready, "ContainersNotReady", "unready", unready, completed),
        _condition("ContainersReady", not unready, "ContainersNotReady", "unready", unready, completed),
    ]
    return {
        "phase": known,
        "hostIP": host,
        **({"podIP": own, "podIPs": [{"ip": own}]} if own else {}),
        "startTime": since,
        "conditions": _merged(known_conditions, conditions),
        "initContainerStatuses": [c.described() for c in inits],
        "containerStatuses": [_waiting(c, uninitialized) for c in mains],
        "qosClass": qos(pod),
    }


def _waiting(container: Container, uninitialized: Sequence[str]) -> Json:
    shown = container.described()
    if uninitialized and shown["state"].get("waiting", {}).get("reason") == _CREATING:
        shown["state"] = {"waiting": {"reason": _INITIALIZING}}
    return shown


def _condition(  # noqa: PLR0917 - one line per condition reads as a table
    kind: str, is_true: bool, reason: str, word: str, names: Sequence[str], more: Mapping[str, str]
) -> Json:
    found: Json = {"type": kind, "status": "True" if is_true else "False"}
    if not is_true:
        found |= {"reason": reason, "message": f"containers with {word} status: [{' '.join(names)}]"} | dict(more)
    elif more and kind == "Initialized":
        found |= dict(more)
    return found


def _merged(written: Iterable[Json], conditions: Iterable[Json]) -> list[Json]:
    """Returns the conditions with the time of their last change, and those that others wrote."""
    known = {entry["type"]: entry for entry in written}
    merged = []
    for entry in conditions:
        before = known.pop(entry["type"], {})
        same = before.get("status") == entry["status"]
        changed = before.get("lastTransitionTime") if same else now()
        merged.append({"lastProbeTime": None, "lastTransitionTime": changed or now(), **entry})
    return merged + list(known.values())


def qos(pod: Json) -> str:
    """Returns the quality of service class of a pod."""
    resources = [container.get("resources") or {} for container in pod["spec"]["containers"]]
    limits, requests = ([entry.get(kind) or {} for entry in resources] for kind in ("limits", "requests"))
    if not any(limits) and not any(requests):
        return "BestEffort"
    both = all({"cpu", "memory"} <= set(entry) for entry in limits)
    equal = all((request or limit) == limit for request, limit in zip(requests, limits, strict=True))
    return "Guaranteed" if both and equal else "Burstable"


def next_delay(delay: float) -> float:
    """Returns the back-off after one of ``delay`` seconds: from 10 seconds, doubled each time, to 5 minutes."""
    return min(300.0, delay * 2) if delay else 10.0


def shown_delay(seconds: float) -> str:
    """Returns a duration as Go shows it: 10s, 1m20s, 5m0s."""
    whole = math.ceil(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60}s"  # noqa: PLR2004 - seconds of a minute
