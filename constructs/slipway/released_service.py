"""A service that runs the release in its stack's parameters."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from slipway.container_task import ContainerTask
from slipway.release import ReleasedImage
from slipway.rights import accept_everywhere, accept_inline

# Failed tasks after which a deployment fails; ECS's minimum: docs.aws.amazon.com, DeploymentCircuitBreaker.
_FAILURES = 3


def _spot() -> ecs.CapacityProviderStrategy:
    return ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1)


@dataclass(frozen=True)
class ScaleRule:
    """The limits and targets of a service's automatic scaling."""

    minimum: int
    maximum: int
    cpu_percent: int | None
    requests_per_target: int | None


class ReleasedService(Construct):
    """A Fargate service in the application subnets.

    Default settings:
    - no task runs before the first release;
    - a deployment is rolled back after 3 failed tasks, even if tasks in between succeeded;
    - a rolling update keeps every task until its replacement is healthy; `singleton` stops the old task first;
    - tasks are spread over zones, and rebalanced when a zone recovers;
    - `spot`: tasks run on spare capacity only. AWS stops them with two minutes' notice (SIGTERM), and starts none while
      it has no spare capacity. The cluster must have the capacity provider FARGATE_SPOT.
    """

    service: ecs.FargateService

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service_name: str,
        cluster: ecs.ICluster,
        task: ContainerTask,
        image: ReleasedImage,
        count: int | str,
        singleton: bool,
        spot: bool,
        shell_access: bool,
        security_group: ec2.ISecurityGroup,
        health_check_grace: cdk.Duration | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._image = image
        self.service = ecs.FargateService(
            self,
            "Service",
            service_name=service_name,
            cluster=cluster,
            task_definition=task,
            desired_count=image.count(count),
            capacity_provider_strategies=[_spot()] if spot else None,
            min_healthy_percent=0 if singleton else 100,
            max_healthy_percent=100 if singleton else 200,
            availability_zone_rebalancing=(
                ecs.AvailabilityZoneRebalancing.DISABLED if singleton else ecs.AvailabilityZoneRebalancing.ENABLED
            ),
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            enable_execute_command=shell_access,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            security_groups=[security_group],
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="Application"),
            health_check_grace_period=health_check_grace,
        )
        self._count_every_failure()
        if shell_access:
            accept_everywhere(task.task_role)  # the CDK adds the rights of ECS Exec: docs/adr/0007
            accept_inline(task.task_role)

    def scale(self, rule: ScaleRule, target_group: elbv2.IApplicationTargetGroup | None) -> None:
        """Define scaling from the first release on; earlier, the minimum would start tasks without an image."""
        scaling = self.service.auto_scale_task_count(min_capacity=rule.minimum, max_capacity=rule.maximum)
        if rule.cpu_percent:
            scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=rule.cpu_percent)
        if rule.requests_per_target and isinstance(target_group, elbv2.ApplicationTargetGroup):
            scaling.scale_on_request_count(
                "Requests", requests_per_target=rule.requests_per_target, target_group=target_group
            )
        for child in scaling.node.find_all():
            if isinstance(child, autoscaling.CfnScalableTarget | autoscaling.CfnScalingPolicy):
                child.cfn_options.condition = self._image.released

    def _count_every_failure(self) -> None:
        # The L2 lacks these properties. If only consecutive failures counted, a release that fails every other time
        # would never be rolled back.
        resource = self.service.node.default_child
        assert isinstance(resource, ecs.CfnService)  # noqa: S101 - for mypy: the L1 of the L2
        resource.add_property_override(
            "DeploymentConfiguration.DeploymentCircuitBreaker",
            {
                "Enable": True,
                "Rollback": True,
                "ResetOnHealthyTask": False,
                "ThresholdConfiguration": {"Type": "COUNT", "Value": _FAILURES},
            },
        )
