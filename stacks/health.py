"""Health checks of a service, from the manifest to the constructs."""

from __future__ import annotations

import aws_cdk as cdk

from products.containers import Service
from slipway.health_checks import ContainerCheck, TargetCheck


def target_check(service: Service) -> TargetCheck:
    """Returns the load balancer's health check of a service."""
    check = service.health.path_check()
    return TargetCheck(
        path=check.path,
        status=check.status,
        interval=check.interval_seconds,
        timeout=check.timeout_seconds,
        healthy_after=check.healthy_after,
        unhealthy_after=check.unhealthy_after,
    )


def container_check(service: Service) -> ContainerCheck | None:
    """Returns the health check that ECS runs in a service's container, or None."""
    check = service.health.command_check()
    if check is None:
        return None
    return ContainerCheck(
        command=check.command,
        interval=check.interval_seconds,
        timeout=check.timeout_seconds,
        unhealthy_after=check.unhealthy_after,
        start=check.start_seconds,
    )


def grace(service: Service) -> cdk.Duration | None:
    """Returns how long ECS ignores the load balancer after the start of a task; None without a load balancer."""
    if not service.paths and not service.static_paths:
        return None
    return cdk.Duration.seconds(service.health.path_check().grace_seconds)
