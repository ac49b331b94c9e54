"""The cluster of EKS, through its API server: what `slipway_host.kubernetes.cluster` does with kubectl."""

from __future__ import annotations

import copy
import time
from http import HTTPStatus
from typing import Any, Iterable, Sequence

from slipway_host.eks import kinds
from slipway_host.eks.api import Api, Refused
from slipway_host.kubernetes.cluster import EVENTS, LINES, Cluster, newest
from slipway_host.kubernetes.rendering import Object, containers, pods
from slipway_host.output import Failed
from slipway_host.programs import Result

_MANAGER = {"fieldManager": "slipway", "force": "true"}
_PAUSE_SECONDS = 1.0
_DELETION_SECONDS = 50.0


class EksCluster(Cluster):
    """The objects of one namespace."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self.namespace = api, namespace

    def apply(self, objects: Sequence[Object], *, dry_run: bool = False) -> str:
        """Applies objects, or asks the API server whether it would take them; returns what became of each.

        Raises:
            Failed: if the API server refuses one; the message is the server's.
        """
        said, wrong = [], []
        for thing in objects:
            named = f"{str(thing['kind']).lower()}/{thing['metadata']['name']}"
            query = {**_MANAGER, **({"dryRun": "All"} if dry_run else {})}
            try:
                self._api.ask("PATCH", kinds.path_of(thing, self.namespace), query, _explicit(thing))
            except (Refused, ValueError) as error:
                wrong.append(f"{named}: {error}")
                if not dry_run:
                    break
            said.append(f"{named} applied")
        if wrong:
            raise Failed("the cluster refuses the objects: " + "\n".join(wrong))
        return "\n".join(said)

    def rollout(self, deployment: str, seconds: int) -> Result:
        """Waits until a deployment's new pods are ready and the old ones are gone, at most `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.get("deployment", deployment)
            code, said = _progress(deployment, found[0] if found else {})
            if code is not None:
                return Result(code, said, said)
            if time.monotonic() > deadline:
                return Result(1, "", f"{said}\nerror: timed out waiting for the condition")
            time.sleep(_PAUSE_SECONDS)

    def get(self, kind: str, *names: str, selector: str = "") -> list[dict[str, Any]]:
        """Returns the objects of a kind: those with these names, else all that the labels select."""
        found: list[dict[str, Any]] = []
        try:
            for part in kind.split(","):
                if not names:
                    query = {"labelSelector": selector} if selector else None
                    listed = self._api.ask("GET", kinds.path(part, self.namespace), query)
                    own = str(listed["kind"]).removesuffix("List")
                    found += [{"kind": own, **thing} for thing in listed["items"]]
                for name in names:
                    found += self._find(part, name)
        except Refused as error:
            raise Failed(f"the cluster does not answer: {error}") from None
        return found

    def _find(self, kind: str, name: str) -> list[dict[str, Any]]:
        try:
            return [self._api.ask("GET", kinds.path(kind, self.namespace, name))]
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []
            raise

    def delete(self, keys: Iterable[str]) -> str:
        """Deletes objects, each as kind/name, and what they own; one that is missing is no error."""
        deadline, deleted = time.monotonic() + _DELETION_SECONDS, []
        for key in keys:
            kind, _, name = key.partition("/")
            try:
                self._api.ask(
                    "DELETE", kinds.path(kind, self.namespace, name), body={"propagationPolicy": "Foreground"}
                )
                while self._find(kind, name):
                    if time.monotonic() > deadline:
                        raise Failed(f"{key} cannot be deleted: it still exists after {_DELETION_SECONDS:.0f} s")
                    time.sleep(_PAUSE_SECONDS)
            except Refused as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise Failed(f"{key} cannot be deleted: {error}") from None
                continue
            deleted.append(f"{kind.lower()}/{name} deleted")
        return "\n".join(deleted)

    def log(self, pod: str, container: str, lines: int = LINES) -> str:
        """Returns the end of a container's log; of the one before, if it is just being started again."""
        path = f"{kinds.path('pod', self.namespace, pod)}/log"
        query, said = {"container": container, "tailLines": str(lines)}, ""
        for more in ({}, {"previous": "true"}):
            try:
                found = self._api.text(path, {**query, **more}).rstrip()
            except Refused as error:
                said = said or str(error)
                continue
            if found:
                return "\n".join(found.splitlines()[-lines:])
        return said

    def events(self, pod: str) -> list[str]:
        """Returns the newest warnings about a pod."""
        query = {"fieldSelector": f"involvedObject.name={pod},type=Warning"}
        try:
            found = self._api.ask("GET", kinds.path("event", self.namespace), query)["items"]
        except Refused:
            return []
        return newest(found, EVENTS)


def _explicit(thing: Object) -> Object:
    """Returns an object whose ports name their protocol: the API server merges ports by it.

    Before Kubernetes 1.22 it refuses those that leave the default out.
    """
    explicit = copy.deepcopy(thing)
    ports = list((explicit.get("spec") or {}).get("ports") or []) if thing["kind"] == "Service" else []
    for pod in pods(explicit):
        ports += [port for container in containers(pod) for port in container.get("ports") or []]
    for port in ports:
        port.setdefault("protocol", "TCP")
    return explicit


def _progress(name: str, deployment: dict[str, Any]) -> tuple[int | None, str]:
    """Returns how far a rollout is, as `kubectl rollout status` says it: exit code, or None while it goes on."""
    if not deployment:
        return 1, f'error: deployments.apps "{name}" not found'
    status = deployment.get("status") or {}
    if int(status.get("observedGeneration", 0)) < int(deployment["metadata"].get("generation", 0)):
        return None, "Waiting for deployment spec update to be observed..."
    for condition in status.get("conditions") or []:
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return 1, f'error: deployment "{name}" exceeded its progress deadline'
    left = _left(status, int((deployment.get("spec") or {}).get("replicas", 1)))
    if left:
        return None, f'Waiting for deployment "{name}" rollout to finish: {left}...'
    return 0, f'deployment "{name}" successfully rolled out'


def _left(status: dict[str, Any], wanted: int) -> str:
    """Returns which pods a rollout waits for; empty if for none."""
    updated, every = int(status.get("updatedReplicas", 0)), int(status.get("replicas", 0))
    if updated < wanted:
        return f"{updated} out of {wanted} new replicas have been updated"
    if every > updated:
        return f"{every - updated} old replicas are pending termination"
    available = int(status.get("availableReplicas", 0))
    return f"{available} of {updated} updated replicas are available" if available < updated else ""
