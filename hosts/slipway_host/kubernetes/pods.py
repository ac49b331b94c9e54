"""Reports the images of a deployment's pods, and why pods do not run, as the cluster describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slipway_host.kubernetes.cluster import Cluster
from slipway_host.output import Failed, Output

_SHOWN = 2  # pods whose logs a failure shows


@dataclass(frozen=True)
class Pod:
    """A pod that is not being deleted."""

    name: str
    phase: str
    ready: bool
    images: dict[str, str]
    """The digests of its containers' images, by the container's name; empty until a container has started."""
    reasons: list[str]
    """Why containers do not run, each with its container's name."""
    restarts: int

    @property
    def trouble(self) -> str:
        """Returns the fault of the pod; empty if it is ready."""
        if self.ready:
            return ""
        return "; ".join(self.reasons) or (
            f"is {self.phase}" if self.phase != "Running" else f"is not ready ({self.restarts} restarts)"
        )


def pods_of(cluster: Cluster, deployment: dict[str, Any]) -> list[Pod]:
    """Returns the pods that a deployment's labels select, oldest first."""
    labels = ((deployment.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    found = cluster.get("pods", selector=selector) if selector else []
    found.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    return [_pod(pod) for pod in found if not pod["metadata"].get("deletionTimestamp")]


def troubles(cluster: Cluster, name: str, container: str, digest: str) -> list[str]:
    """Returns what differs from a deployment all of whose pods are ready and run an image by this digest."""
    found = cluster.get("deployment", name)
    if not found:
        return [f"there is no deployment {name}"]
    wanted = int((found[0].get("spec") or {}).get("replicas", 1))
    running = pods_of(cluster, found[0])
    wrong = [f"{pod.name} {pod.trouble}" for pod in running if pod.trouble]
    for pod in running:
        image = pod.images.get(container, "")
        if image and image != digest:
            wrong.append(f"{pod.name} runs {image}, not {digest}")
    if len(running) != wanted:
        wrong.append(f"{len(running)} pods of {name} run, and {wanted} should")
    return wrong


def explain(cluster: Cluster, output: Output, deployments: list[str]) -> None:
    """Prints the pods that are not ready: the reason of each, its events and the end of its log."""
    try:
        bad: list[Pod] = []
        for name in deployments:
            for deployment in cluster.get("deployment", name):
                bad += [pod for pod in pods_of(cluster, deployment) if pod.trouble]
        for pod in bad[:-_SHOWN]:
            output.say(f"pod {pod.name}: {pod.trouble}")
        for pod in bad[-_SHOWN:]:
            _explain(cluster, output, pod)
    except Failed as error:
        output.say(f"the pods cannot be described: {error}")


def _explain(cluster: Cluster, output: Output, pod: Pod) -> None:
    output.say(f"pod {pod.name}: {pod.trouble}")
    for event in cluster.events(pod.name):
        output.say(f"  {event}")
    if pod.images:
        troubled = [name for name in pod.images if any(reason.startswith(f"{name}: ") for reason in pod.reasons)]
        container = (troubled or list(pod.images))[0]
        lines = "\n".join(f"  | {line}" for line in cluster.log(pod.name, container).splitlines())
        output.say(f"the end of the log of {container}:\n{lines or '  | (empty)'}")


def _pod(described: dict[str, Any]) -> Pod:
    status = described.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    reasons = [f"{found['name']}: {why}" for found in statuses if (why := _reason(found))]
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        reasons.append(f"{scheduled.get('reason')}: {scheduled.get('message')}")
    return Pod(
        described["metadata"]["name"],
        str(status.get("phase", "Pending")),
        (conditions.get("Ready") or {}).get("status") == "True",
        {found["name"]: _digest(str(found.get("imageID") or "")) for found in status.get("containerStatuses") or []},
        reasons,
        sum(int(found.get("restartCount", 0)) for found in statuses),
    )


def _reason(status: dict[str, Any]) -> str:
    """Returns why a container does not run; empty if it runs, or has done its work."""
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
    ended = f", after exit code {last.get('exitCode')} ({last.get('reason')})" if last else ""
    if waiting := state.get("waiting"):
        message = " ".join(str(waiting.get("message") or "").split())
        return f"{waiting.get('reason')}{f': {message}' if message else ''}{ended}"
    terminated = state.get("terminated")
    if terminated and terminated.get("exitCode") != 0:
        return f"{terminated.get('reason')}, exit code {terminated.get('exitCode')}"
    if status.get("ready") or terminated:
        return ""
    return f"runs, and is not ready{ended}"


def _digest(image: str) -> str:
    return image.rpartition("@")[2]
