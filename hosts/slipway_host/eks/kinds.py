"""The paths of objects in the API of Kubernetes."""

from __future__ import annotations

from typing import Any

_CORE = "/api/v1"
# kubernetes.io/docs/reference/kubernetes-api; the versions that every supported cluster serves.
_KINDS = {
    "configmap": (_CORE, "configmaps"),
    "event": (_CORE, "events"),
    "namespace": (_CORE, "namespaces"),
    "pod": (_CORE, "pods"),
    "secret": (_CORE, "secrets"),
    "service": (_CORE, "services"),
    "serviceaccount": (_CORE, "serviceaccounts"),
    "deployment": ("/apis/apps/v1", "deployments"),
    "horizontalpodautoscaler": ("/apis/autoscaling/v1", "horizontalpodautoscalers"),
    "cronjob": ("/apis/batch/v1", "cronjobs"),
    "job": ("/apis/batch/v1", "jobs"),
    "lease": ("/apis/coordination.k8s.io/v1", "leases"),
    "ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "networkpolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "poddisruptionbudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "rolebinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "nodeclass": ("/apis/eks.amazonaws.com/v1", "nodeclasses"),
    "targetgroupbinding": ("/apis/eks.amazonaws.com/v1", "targetgroupbindings"),
    "nodepool": ("/apis/karpenter.sh/v1", "nodepools"),
}
_OF_THE_CLUSTER = frozenset({"namespace", "nodeclass", "nodepool"})


def path(kind: str, namespace: str, name: str = "", version: str = "") -> str:
    """Returns the path of an object, or without a name of all of its kind, in a version of its own if one is given.

    Raises:
        ValueError: if this program does not know the kind.
    """
    singular = kind.lower()
    if singular not in _KINDS:
        singular = next((known for known, (_, plural) in _KINDS.items() if plural == singular), "")
    if not singular:
        raise ValueError(f"objects of the kind {kind} are not known here")
    api, plural = _KINDS[singular]
    if version:
        api = f"/apis/{version}" if "/" in version else f"/api/{version}"
    place = "" if singular in _OF_THE_CLUSTER else f"/namespaces/{namespace}"
    return f"{api}{place}/{plural}" + (f"/{name}" if name else "")


def path_of(thing: dict[str, Any], namespace: str) -> str:
    """Returns the path of an object; `namespace` is that of an object that names none."""
    metadata = thing["metadata"]
    return path(str(thing["kind"]), metadata.get("namespace") or namespace, metadata["name"], str(thing["apiVersion"]))
