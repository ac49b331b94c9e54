"""The cluster on this host, through `microk8s kubectl`."""

from __future__ import annotations

import json
from typing import Any, Iterable, Sequence

from slipway_host.kubernetes.rendering import MANAGED, Object
from slipway_host.output import Failed
from slipway_host.programs import Programs, Result

_KUBECTL = ("microk8s", "kubectl")
_SECONDS = 60
# The pipeline's message has the last 40 lines of a step: two pods with these, and what follows them.
LINES = 10  # of a container's log that a failure shows
EVENTS = 3  # of a pod
_SELECTED = ",".join(f"{name}={value}" for name, value in MANAGED.items())


class Cluster:
    """The objects of one namespace."""

    def __init__(self, programs: Programs, namespace: str) -> None:
        self._programs, self.namespace = programs, namespace

    def apply(self, objects: Sequence[Object], *, dry_run: bool = False) -> str:
        """Applies objects, or asks the API server whether it would take them; returns what kubectl says.

        Raises:
            Failed: if the API server refuses one; the message is the server's.
        """
        words = ["apply", "-f", "-", *(["--dry-run=server"] if dry_run else [])]
        packed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()
        done = self._kubectl(*words, given=packed)
        if done.code:
            raise Failed(f"the cluster refuses the objects: {done.tail(10)}")
        return done.out.strip()

    def rollout(self, deployment: str, seconds: int) -> Result:
        """Waits until a deployment's new pods are ready and the old ones are gone, at most `seconds`."""
        words = ("rollout", "status", f"deployment/{deployment}", f"--timeout={seconds}s")
        return self._kubectl(*words, timeout=seconds + _SECONDS)

    def get(self, kind: str, *names: str, selector: str = "") -> list[dict[str, Any]]:
        """Returns the objects of a kind: those with these names, else all that the labels select."""
        words = ["get", kind, *names, "-o", "json", "--ignore-not-found"]
        done = self._kubectl(*words, *([f"--selector={selector}"] if selector else []), apart=True)
        if done.code:
            raise Failed(f"the cluster does not answer: {done.lines[len(done.out) :].strip() or done.tail(3)}")
        found = json.loads(done.out) if done.out.strip() else {"items": []}
        return list(found["items"]) if "items" in found else [found]

    def made(self) -> set[str]:
        """Returns the ConfigMaps and Secrets that Slipway made, each as kind/name."""
        return {
            f"{found['kind']}/{found['metadata']['name']}" for found in self.get("configmap,secret", selector=_SELECTED)
        }

    def delete(self, keys: Iterable[str]) -> str:
        """Deletes objects, each as kind/name, and what they own; one that is missing is no error."""
        named = [f"{kind.lower()}/{name}" for kind, _, name in (key.partition("/") for key in keys)]
        if not named:
            return ""
        done = self._kubectl(
            "delete", "--ignore-not-found", "--cascade=foreground", "--wait=true", "--timeout=50s", *named
        )
        if done.code:
            raise Failed(f"{', '.join(named)} cannot be deleted: {done.tail(3)}")
        return done.out.strip()

    def log(self, pod: str, container: str, lines: int = LINES) -> str:
        """Returns the end of a container's log; of the one before, if it is just being started again."""
        words = ("logs", pod, f"--container={container}", f"--tail={lines}")
        found = self._kubectl(*words)
        if found.code or not found.out.strip():
            before = self._kubectl(*words, "--previous")
            found = before if not before.code else found
        return found.tail(lines)

    def events(self, pod: str) -> list[str]:
        """Returns the newest warnings about a pod."""
        words = ("get", "events", f"--field-selector=involvedObject.name={pod},type=Warning", "-o", "json")
        done = self._kubectl(*words, apart=True)
        found = json.loads(done.out)["items"] if not done.code and done.out.strip() else []
        return newest(found, EVENTS)

    def _kubectl(self, *words: str, given: bytes = b"", timeout: float = _SECONDS, apart: bool = False) -> Result:
        line = (*_KUBECTL, f"--namespace={self.namespace}", *words)
        return self._programs.run(line, timeout=timeout, given=given, apart=apart)


def newest(events: list[dict[str, Any]], count: int) -> list[str]:
    """Returns the newest events, each as its reason and its message in one line."""
    events.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return [f"{event.get('reason')}: {' '.join(str(event.get('message')).split())}" for event in events[-count:]]
