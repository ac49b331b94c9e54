"""The state between two steps, in the bucket of releases; and the lock by which one step runs at a time.

A function keeps nothing: files of a release are fetched again by the next one.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Callable, Iterator

from slipway_host.eks import kinds
from slipway_host.eks.api import Api, Refused
from slipway_host.eks.aws import Aws
from slipway_host.output import Failed, Output
from slipway_host.state import Memory, State

_STATE = "state.json"
_LOCK = "slipway"
LONGEST_SECONDS = 900
"""The longest time that a Lambda function runs: docs.aws.amazon.com/lambda, "Quotas"."""
_LEASE_SECONDS = LONGEST_SECONDS + 60
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Lock:
    """A lease in the namespace, of which one step at a time is the holder."""

    api: Api
    namespace: str
    holder: str
    """Names this step to others."""
    left: Callable[[], float]
    """Returns the seconds that this function has left."""

    @contextlib.contextmanager
    def held(self, output: Output) -> Iterator[None]:
        """Waits until no other step runs in this namespace; the lock of a killed step ends with the longest step.

        Raises:
            Failed: if another step holds it for half of the longest step, or the cluster does not give it.
        """
        waited = False
        while not self._taken():
            if not waited:
                output.say("another step runs in this cluster; this one waits for it")
                waited = True
            if self.left() < LONGEST_SECONDS / 2:
                raise Failed(f"another step still holds the lease {self.namespace}/{_LOCK}: retry the stage")
            time.sleep(_PAUSE_SECONDS)
        try:
            yield
        finally:
            with contextlib.suppress(Refused, Failed):
                self.api.ask("DELETE", self._path(_LOCK))

    def _path(self, name: str = "") -> str:
        return kinds.path("lease", self.namespace, name)

    def _taken(self) -> bool:
        """Takes the lease; returns False if another step holds it."""
        try:
            self.api.ask("POST", self._path(), body=self._lease({}))
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise Failed(f"the cluster does not give the lease {_LOCK}: {error}") from None
            return self._taken_over()
        return True

    def _taken_over(self) -> bool:
        """Takes the lease of a step that has ended without giving it back."""
        try:
            known = self.api.ask("GET", self._path(_LOCK))
            spec = known.get("spec") or {}
            began = datetime.datetime.fromisoformat(str(spec.get("renewTime")).replace("Z", "+00:00"))
            age = (datetime.datetime.now(datetime.UTC) - began).total_seconds()
            if spec.get("holderIdentity") != self.holder and age < float(spec.get("leaseDurationSeconds") or 0):
                return False
            self.api.ask("PUT", self._path(_LOCK), body=self._lease(known["metadata"]))
        except Refused:  # it was given back, or taken by another step, a moment ago
            return False
        return True

    def _lease(self, metadata: dict[str, Any]) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self.holder, "leaseDurationSeconds": _LEASE_SECONDS, "renewTime": now}
        kept = {"resourceVersion": metadata["resourceVersion"]} if metadata else {}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**kept, "name": _LOCK, "namespace": self.namespace},
            "spec": spec,
        }


class Remote(Memory):
    """The state in the bucket of releases, and a folder for what is fetched of a release."""

    def __init__(self, folder: Path, aws: Aws, lock: Lock) -> None:
        super().__init__(folder)
        self._aws, self._lock = aws, lock

    def read(self) -> State:
        """Returns the state; an empty one if there is none, or none that can be read."""
        try:
            known = json.loads(self._aws.read(_STATE) or b"{}")
            return State(**{name: known[name] for name in asdict(State()) if name in known})
        except (ValueError, TypeError):
            return State()

    def write(self, state: State) -> None:
        """Keeps the state, whatever happens next."""
        self._aws.write(_STATE, json.dumps(asdict(state)).encode())

    @contextlib.contextmanager
    def locked(self, output: Output) -> Iterator[None]:
        """Waits until no other step runs in this namespace."""
        with self._lock.held(output):
            yield
