"""Roles in a cluster of EKS: of nodes, which pull images, and of pods, by Pod Identity."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eks

from localcloud.ecs import credentials
from localcloud.ecs.credentials import AssumeError
from localcloud.eks.bindings import Bindings
from localcloud.kubernetes import images
from localcloud.kubernetes.api import Json
from localcloud.kubernetes.images import Puller
from localcloud.kubernetes.node import Identities

SYMBOLS: tuple[str, ...] = (
    *credentials.SYMBOLS,
    *images.SYMBOLS,
    "ministack.services.eks:_cluster_arn",
    "ministack.services.eks:_pod_identity_associations",
)

PRINCIPAL = "pods.eks.amazonaws.com"
_NODES = "ec2.amazonaws.com"
logger = logging.getLogger("localcloud")


class NodePuller(Puller):
    """Pulls images with the role of the nodes, as the kubelet of EKS does; pull secrets count as well."""

    def __init__(self, role: Callable[[], str], account: str, region: str) -> None:
        super().__init__()
        self._role, self._scope = role, (account, region)

    def _keys(self, registry: str, secrets: list[Json]) -> list[str]:
        found = super()._keys(registry, secrets)
        role = self._role()
        if not role:
            return found
        try:
            with request_scope(*self._scope):
                source = f"arn:aws:ec2:{self._scope[1]}:{self._scope[0]}:instance/eks"
                own = credentials.session(role, "eks-node", principal=_NODES, source_arn=source)
        except AssumeError as error:
            raise images.PullError(f"the node cannot get the credentials of its role: {error}") from error
        return [own["AccessKeyId"], *found]


class PodIdentities(Identities):
    """The pods of one cluster: their roles, and their place behind load balancers."""

    def __init__(self, name: str, account: str, region: str, bindings: Callable[[], Bindings | None]) -> None:
        self._name, self._scope, self._bindings = name, (account, region), bindings
        self._offered: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def of(self, pod: Json) -> Mapping[str, str]:
        """Returns the variables with which SDKs get credentials of the role that is associated with a pod's account."""
        own = {"AWS_REGION": self._scope[1], "AWS_DEFAULT_REGION": self._scope[1]}
        association = self._association(pod)
        if association is None:
            return own
        uid = str(pod["metadata"]["uid"])
        with self._lock:
            if uid not in self._offered:
                with request_scope(*self._scope):
                    source = eks._cluster_arn(self._name)
                session = f"eks-{self._name}-{pod['metadata']['name']}"[:64]
                self._offered[uid] = credentials.offer(
                    association["roleArn"], session, principal=PRINCIPAL, source_arn=source
                )
            return {**own, **self._offered[uid]}

    def _association(self, pod: Json) -> Mapping[str, Any] | None:
        place = (pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName") or "default")
        for (account, region, key), found in eks._pod_identity_associations.all_items():
            named = str(key).startswith(f"{self._name}\x00")
            if (account, region) == self._scope and named and (found["namespace"], found["serviceAccount"]) == place:
                return dict(found)
        return None

    def withdrawn(self, address: str) -> None:
        """Waits until no target group sends requests to a pod, at most five seconds."""
        bindings = self._bindings()
        if bindings is not None:
            bindings.withdrawn(address)

    def forget(self, uid: str) -> None:
        """Takes the credentials of a pod back."""
        with self._lock:
            offered = self._offered.pop(uid, None)
        if offered:
            credentials.withdraw(offered)
