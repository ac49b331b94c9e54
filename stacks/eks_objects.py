"""The objects of a cluster of EKS before the first release: namespace, rights of releases, nodes, targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from products.kubernetes import Kubernetes

Json = dict[str, Any]
GROUP = "slipway:releases"
"""The group of Kubernetes that releases belong to."""
_NAME = "slipway"
_MANAGED = {"app.kubernetes.io/managed-by": "slipway"}
_RBAC = "rbac.authorization.k8s.io"
# What the manifests may have (builds/programs/manifest_checks.py), and what a release makes itself.
_WRITTEN = {
    "": ["configmaps", "secrets", "serviceaccounts", "services"],
    "apps": ["deployments"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "coordination.k8s.io": ["leases"],
    "networking.k8s.io": ["ingresses", "networkpolicies"],
    "policy": ["poddisruptionbudgets"],
}
_READ = {"": ["events", "pods", "pods/log"], "apps": ["replicasets"]}
_WRITE, _LOOK = ["create", "delete", "get", "list", "patch", "update"], ["get", "list"]
_CHIPS = {"arm64": "arm64", "x86_64": "amd64"}


def objects(
    settings: Kubernetes, *, architecture: str, node_role: str, subnets: Sequence[str], group: str, targets: str
) -> list[Json]:
    """Returns the objects in the order in which they are applied.

    `node_role` is a role's name, `subnets` and `group` are the ids of the nodes' subnets and security group, `targets`
    is the ARN of the target group of the load balancer.
    """
    most = settings.eks.most_vcpus if settings.eks else 8
    return [
        _namespace(settings.namespace),
        _rights(settings.namespace),
        _binding(settings.namespace),
        _node_class(node_role, subnets, group),
        _node_pool(_CHIPS[architecture], most),
        _targets(settings, targets),
    ]


def _object(kind: str, version: str, name: str, namespace: str = "", **parts: Any) -> Json:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place, "labels": _MANAGED}, **parts}


def _namespace(name: str) -> Json:
    """Returns the namespace, in which no pod may get rights over its node: Kubernetes' pod security standards."""
    made = _object("Namespace", "v1", name)
    made["metadata"]["labels"] = {**_MANAGED, "pod-security.kubernetes.io/enforce": "baseline"}
    return made


def _rights(namespace: str) -> Json:
    rules = [
        {"apiGroups": [group], "resources": kinds, "verbs": verbs}
        for table, verbs in ((_WRITTEN, _WRITE), (_READ, _LOOK))
        for group, kinds in table.items()
    ]
    return _object("Role", f"{_RBAC}/v1", _NAME, namespace, rules=rules)


def _binding(namespace: str) -> Json:
    role = {"apiGroup": _RBAC, "kind": "Role", "name": _NAME}
    subject = {"apiGroup": _RBAC, "kind": "Group", "name": GROUP}
    return _object("RoleBinding", f"{_RBAC}/v1", _NAME, namespace, roleRef=role, subjects=[subject])


def _node_class(role: str, subnets: Sequence[str], group: str) -> Json:
    spec = {
        "role": role,
        "subnetSelectorTerms": [{"id": subnet} for subnet in subnets],
        "securityGroupSelectorTerms": [{"id": group}],
    }
    return _object("NodeClass", "eks.amazonaws.com/v1", _NAME, spec=spec)


def _node_pool(chip: str, most_vcpus: int) -> Json:
    """Returns the node pool: those that EKS brings along are for x86_64."""
    reference = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": _NAME}
    requirements = [
        {"key": "kubernetes.io/arch", "operator": "In", "values": [chip]},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": "eks.amazonaws.com/instance-category", "operator": "In", "values": ["c", "m", "r", "t"]},
        {"key": "eks.amazonaws.com/instance-generation", "operator": "Gt", "values": ["3"]},
    ]
    spec = {
        "template": {"spec": {"nodeClassRef": reference, "requirements": requirements, "expireAfter": "336h"}},
        "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "5m"},
        "limits": {"cpu": str(most_vcpus)},
    }
    return _object("NodePool", "karpenter.sh/v1", _NAME, spec=spec)


def _targets(settings: Kubernetes, arn: str) -> Json:
    service = {"name": settings.service_name, "port": settings.service_port}
    spec = {"targetGroupARN": arn, "targetType": "ip", "serviceRef": service}
    return _object("TargetGroupBinding", "eks.amazonaws.com/v1", _NAME, settings.namespace, spec=spec)
