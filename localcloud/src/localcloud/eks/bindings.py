"""TargetGroupBindings: the ready pods of a Service are the targets of a target group.

The controller of EKS Auto Mode registers targets of the type ip only; one of its own clusters must be the tag of the
target group, which its policy AmazonEKSLoadBalancingPolicy demands.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import request_scope

from localcloud import adapter
from localcloud.eks.store import BINDINGS, Store
from localcloud.kubernetes.api import Api, Json, Watch
from localcloud.kubernetes.events import WARNING, Events

SYMBOLS: tuple[str, ...] = adapter.SYMBOLS

TAG = "eks:eks-cluster-name"
_WITHDRAWAL_SECONDS = 5.0
Target = tuple[str, int]
logger = logging.getLogger("localcloud")


class Bindings:
    """The TargetGroupBindings of one cluster."""

    def __init__(self, api: Api, store: Store, name: str, account: str, region: str) -> None:
        self._store, self._name, self._scope = store, name, (account, region)
        self._events = Events(api, name, "eks")
        self._changed = threading.Condition()
        self._is_stopped, self._is_due = False, False
        self._registered: dict[str, set[Target]] = {}
        """The targets by the ARN of their group."""
        self._services = Watch(api, "/api/v1/services", lambda _kind, _thing: self.wake())
        self._endpoints = Watch(api, "/api/v1/endpoints", lambda _kind, _thing: self.wake())

    def start(self) -> None:
        """Follows bindings, Services and pods."""
        for watch in (self._services, self._endpoints):
            watch.start()
        threading.Thread(target=self._run, daemon=True, name="localcloud-eks-bindings").start()

    def stop(self) -> None:
        """Ends; the targets stay registered."""
        for watch in (self._services, self._endpoints):
            watch.stop()
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def withdrawn(self, address: str) -> None:
        """Waits until no target group sends requests to an address, at most five seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or not self._has(address), _WITHDRAWAL_SECONDS)

    def _has(self, address: str) -> bool:
        return any(target[0] == address for targets in self._registered.values() for target in targets)

    def wake(self) -> None:
        """Looks at everything again, in a moment."""
        with self._changed:
            self._is_due = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopped or self._is_due)
                if self._is_stopped:
                    return
                self._is_due = False
            try:
                with request_scope(*self._scope):
                    self._reconcile()
            except Exception:
                logger.exception("target groups of the cluster %s", self._name)
                time.sleep(1)
                self.wake()

    def _reconcile(self) -> None:
        wanted: dict[str, set[Target]] = {group: set() for group in self._registered}
        for binding in self._store.list(BINDINGS):
            group = str(binding["spec"].get("targetGroupARN"))
            refusal = self._refusal(binding, group)
            if refusal:
                self._events.write(binding, WARNING, "FailedDeployModel", refusal)
                continue
            wanted.setdefault(group, set()).update(self._targets(binding))
        for group, targets in wanted.items():
            self._put(group, targets)

    def _refusal(self, binding: Json, group: str) -> str:
        """Returns why a target group cannot get targets; empty if it can."""
        if binding["spec"].get("targetType") != "ip":
            return "targetType must be ip: the nodes of EKS Auto Mode are not registered here"
        try:
            (tags,) = adapter.client("elbv2").describe_tags(ResourceArns=[group])["TagDescriptions"]
        except (ClientError, ValueError) as error:
            return f"{group}: {error}"
        known = {tag["Key"]: tag["Value"] for tag in tags["Tags"]}
        if known.get(TAG) != self._name:
            return (
                f"AccessDenied: not authorized to perform elasticloadbalancing:RegisterTargets on {group}, whose tag "
                f"{TAG} is not {self._name}"
            )
        return ""

    def _targets(self, binding: Json) -> set[Target]:
        """Returns the addresses and ports of the ready pods behind the Service of a binding."""
        reference: Mapping[str, Any] = binding["spec"].get("serviceRef") or {}
        key = f"{binding['metadata']['namespace']}/{reference.get('name')}"
        service = self._services.objects.get(key)
        ports = (service or {"spec": {}})["spec"].get("ports") or ()
        port = next((p for p in ports if reference.get("port") in (p["port"], p.get("name"))), None)
        if port is None:
            return set()
        return {
            (str(address["ip"]), int(own["port"]))
            for subset in (self._endpoints.objects.get(key) or {}).get("subsets") or ()
            for own in subset.get("ports") or ()
            if own.get("name", "") == port.get("name", "")
            for address in subset.get("addresses") or ()
        }

    def _put(self, group: str, targets: set[Target]) -> None:
        before = self._registered.get(group, set())
        balancer = adapter.client("elbv2")
        if new := targets - before:
            balancer.register_targets(TargetGroupArn=group, Targets=_described(new))
        if gone := before - targets:
            balancer.deregister_targets(TargetGroupArn=group, Targets=_described(gone))
        with self._changed:
            self._registered[group] = set(targets)
            self._changed.notify_all()


def _described(targets: set[Target]) -> list[dict[str, Any]]:
    return [{"Id": address, "Port": port} for address, port in sorted(targets)]
