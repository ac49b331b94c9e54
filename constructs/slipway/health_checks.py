"""The two health checks of a task: the load balancer's request, and a command in the container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2


@dataclass(frozen=True)
class TargetCheck:
    """The request of a load balancer to each target; times are seconds."""

    path: str
    status: str
    """Status codes of a healthy target, e.g. `200-399`."""
    interval: int = 10
    timeout: int = 5
    healthy_after: int = 2
    unhealthy_after: int = 3

    def of_target_group(self) -> elbv2.HealthCheck:
        """Returns the property of a target group."""
        return elbv2.HealthCheck(
            path=self.path,
            healthy_http_codes=self.status,
            interval=cdk.Duration.seconds(self.interval),
            timeout=cdk.Duration.seconds(self.timeout),
            healthy_threshold_count=self.healthy_after,
            unhealthy_threshold_count=self.unhealthy_after,
        )


@dataclass(frozen=True)
class ContainerCheck:
    """A program in the container, which exits with 0 if the container is healthy; times are seconds."""

    command: Sequence[str]
    """The program and its arguments; no shell interprets them."""
    interval: int = 30
    timeout: int = 10
    unhealthy_after: int = 3
    start: int = 60
    """Seconds after the container's start in which failures do not count."""

    def of_container(self) -> ecs.HealthCheck:
        """Returns the property of a container definition."""
        return ecs.HealthCheck(
            command=["CMD", *self.command],
            interval=cdk.Duration.seconds(self.interval),
            timeout=cdk.Duration.seconds(self.timeout),
            retries=self.unhealthy_after,
            start_period=cdk.Duration.seconds(self.start),
        )
