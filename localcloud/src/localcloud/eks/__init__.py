"""EKS in Auto Mode: clusters, access entries, access policies, Pod Identity, TargetGroupBindings."""

from __future__ import annotations

from localcloud.eks import clusters, resources

SYMBOLS: tuple[str, ...] = (*clusters.SYMBOLS, *resources.SYMBOLS)


def install() -> None:
    """Run clusters, and add their resource types."""
    clusters.install()
    resources.install()
