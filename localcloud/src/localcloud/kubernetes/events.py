"""Events of pods and nodes, as `kubectl describe` and `kubectl get events` show them: equal ones are counted."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Any

from localcloud.kubernetes.api import Api, ApiError, Json

NORMAL, WARNING = "Normal", "Warning"
logger = logging.getLogger("localcloud")


def now() -> str:
    """Returns the time in the API's form."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Events:
    """Writes events of one node."""

    def __init__(self, api: Api, node: str, component: str = "kubelet") -> None:
        self._api, self._node, self._component = api, node, component
        self._known: dict[tuple[str, str, str, str], tuple[str, int]] = {}
        self._lock = threading.Lock()

    def write(self, thing: Json, kind: str, reason: str, message: str, *, container: str = "") -> None:
        """Writes an event about an object, or counts it once more; a failure is logged."""
        metadata = thing["metadata"]
        key = (metadata["uid"], container, reason, message)
        namespace = metadata.get("namespace", "default")
        path = f"/api/v1/namespaces/{namespace}/events"
        with self._lock:
            name, count = self._known.get(key, (f"{metadata['name']}.{uuid.uuid4().hex[:16]}", 0))
            self._known[key] = (name, count + 1)
        try:
            if count:
                self._api.patch(f"{path}/{name}", {"count": count + 1, "lastTimestamp": now()})
                return
            about = _reference(thing, container)
            self._api.post(path, self._event(name, about, kind, reason, message))
        except ApiError as error:
            logger.debug("event %s of %s: %s", reason, metadata["name"], error)

    def _event(self, name: str, about: Json, kind: str, reason: str, message: str) -> Json:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": about["namespace"] or "default"},
            "involvedObject": about,
            "reason": reason,
            "message": message[:1024],
            "type": kind,
            "count": 1,
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "source": {"component": self._component, "host": self._node},
        }


def _reference(thing: Json, container: str) -> Json:
    """Returns what an event is about."""
    metadata = thing["metadata"]
    about: dict[str, Any] = {
        "apiVersion": thing.get("apiVersion", "v1"),
        "kind": thing.get("kind", "Pod"),
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "uid": metadata["uid"],
        "resourceVersion": metadata.get("resourceVersion", ""),
    }
    return {**about, "fieldPath": f"spec.containers{{{container}}}"} if container else about
