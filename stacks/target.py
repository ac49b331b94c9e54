"""The interface of the stack that runs an environment's containers, which each target implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.alarms import Alarms
from slipway.distribution import Route
from slipway.load_balancer import InternalLoadBalancer


@dataclass(frozen=True)
class Task:
    """A task of the pipeline in an environment, for which it has a role."""

    name: str
    description: str
    statements: Sequence[iam.PolicyStatement]
    accepted: Mapping[str, str]
    """Why the role may have what the policy gate finds, by the rule."""


@dataclass(frozen=True)
class Watched:
    """The target groups of an environment, and how their alarms are named."""

    groups: Mapping[str, elbv2.ApplicationTargetGroup]
    """By the alarm's name."""
    heading: str
    """The heading of the runbook for these alarms."""


class Target(Protocol):
    """The stack that runs the containers of one environment."""

    load_balancer: InternalLoadBalancer

    def routes(self) -> list[Route]:
        """Returns the path patterns that CloudFront sends to the load balancer, the most specific first."""

    def watched(self) -> Watched:
        """Returns the target groups in which no target should be unhealthy."""

    def watch(self, scope: Construct, /, alarms: Alarms) -> None:
        """Add the alarms that only this target has to the Observability stack, `scope`."""

    def tasks(self, access: cdk.Stack) -> list[Task]:
        """Returns what the pipeline does with this stack; `access` is the stack of its roles."""
