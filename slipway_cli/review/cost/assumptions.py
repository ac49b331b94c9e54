"""Assumptions about usage that no template states: the same for each product, and printed with each estimate."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, get_type_hints


@dataclass(frozen=True)
class Assumptions:
    """A month of a small product. Changing a value changes each estimate: compare only figures of one version."""

    hours: Annotated[Decimal, "hours in a month: everything runs all the time"] = Decimal("730")
    requests_millions: Annotated[Decimal, "million requests a month through CloudFront (and WAF)"] = Decimal("5")
    cdn_gb: Annotated[Decimal, "GB a month from CloudFront to users"] = Decimal("50")
    # 5 million requests are 1.9 a second and 50 GB are 0.07 an hour. A unit is 25 new connections a second, or 1 GB an
    # hour: aws.amazon.com/elasticloadbalancing/pricing.
    balancer_units: Annotated[Decimal, "capacity units of a load balancer, on average"] = Decimal("0.1")
    nat_gb: Annotated[Decimal, "GB a month through NAT, or through interface endpoints"] = Decimal("30")
    log_gb: Annotated[Decimal, "GB of logs a month from a task, flow logs, a database"] = Decimal("1")
    small_log_gb: Annotated[Decimal, "GB of logs a month from a function, a build, a firewall"] = Decimal("0.05")
    bucket_gb: Annotated[Decimal, "GB in each bucket"] = Decimal("5")
    registry_gb: Annotated[Decimal, "GB in each image repository"] = Decimal("10")
    snapshot_gb: Annotated[Decimal, "GB of cache snapshots for each day that they are kept"] = Decimal("1")
    runs: Annotated[Decimal, "runs a month of each pipeline, all of them complete"] = Decimal("40")
    action_minutes: Annotated[Decimal, "minutes of each action of a pipeline"] = Decimal("2")
    build_minutes: Annotated[Decimal, "minutes of each build that a pipeline starts"] = Decimal("4")
    calls_millions: Annotated[Decimal, "million calls a month of each function, one second each"] = Decimal("0.01")
    messages_millions: Annotated[Decimal, "million requests a month to each queue"] = Decimal("0.1")
    eks_nodes: Annotated[Decimal, "nodes of a cluster of EKS, on average"] = Decimal("2")
    cluster_metrics: Annotated[Decimal, "metrics of Container Insights for a cluster (unverified)"] = Decimal("8")
    service_metrics: Annotated[Decimal, "metrics of Container Insights for a service (unverified)"] = Decimal("17")

    def printed(self) -> list[tuple[str, str]]:
        """Returns each value with its meaning."""
        hints = get_type_hints(type(self), include_extras=True)
        return [(str(getattr(self, name)), hint.__metadata__[0]) for name, hint in hints.items()]


NOT_COUNTED = (
    "free tiers (an account shares them between its products), discounts, Savings Plans, taxes, support",
    "data transfer out of AWS except through CloudFront, and between zones",
    "backups beyond the size of the database, snapshots of data disks",
    "tasks that scaling adds, migrations (minutes a release)",
)
"""The costs that an estimate leaves out."""
