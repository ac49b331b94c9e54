"""EKS: creating a cluster is refused.

MiniStack would run k3s in a privileged container, whose pods can be privileged, too: whoever may call
`eks:CreateCluster` in this cloud would be root of the developer's machine.
"""

from __future__ import annotations

from typing import Any

from ministack.services import eks

SYMBOLS: tuple[str, ...] = (
    "ministack.services.eks:_create_cluster",
    "ministack.services.eks:_error",
    "ministack.services.eks:_start_k3s_container",
)

REFUSAL = (
    "The local cloud runs no clusters of EKS, whose control plane would need a privileged container here. "
    "Use MicroK8s on a host of EC2, or AWS."
)


def _refused(*_arguments: Any, **_named: Any) -> Any:
    return eks._error(400, "ClientException", REFUSAL)


def _not_started(*_arguments: Any, **_named: Any) -> Any:
    raise RuntimeError(REFUSAL)


def install() -> None:
    """Refuse clusters, and whatever else would start their containers."""
    eks._create_cluster = _refused
    eks._start_k3s_container = _not_started
