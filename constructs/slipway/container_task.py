"""A task definition with one container, the form of all tasks of a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from slipway.accepted import accept
from slipway.health_checks import ContainerCheck
from slipway.rights import confine_trust, everywhere, give

_ARCHITECTURES = {"arm64": ecs.CpuArchitecture.ARM64, "x86_64": ecs.CpuArchitecture.X86_64}


@dataclass(frozen=True)
class Container:
    """The container of a task."""

    name: str
    image: str
    repository_arns: Sequence[str]
    command: Sequence[str] | None
    cpu: int
    memory: int
    architecture: Literal["arm64", "x86_64"]
    environment: Mapping[str, str]
    secrets: Mapping[str, ecs.Secret]
    user: str | None = None
    read_only: bool = False
    port: int | None = None
    health_check: ContainerCheck | None = None
    stop_timeout: int = 30


class ContainerTask(ecs.FargateTaskDefinition):
    """A Fargate task definition with one container.

    Default settings:
    - its execution role may pull its own image, read its own secrets and write to its own log group, nothing else;
    - its task role has no rights at first;
    - an init process reaps child processes and forwards signals;
    - /tmp is an empty volume if the root file system is read-only.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, family: str, container: Container, log_group: logs.ILogGroup
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            family=family,
            cpu=container.cpu,
            memory_limit_mib=container.memory,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=_ARCHITECTURES[container.architecture],
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        self._allow_pull(container.repository_arns)
        confine_trust(self.task_role, cdk.Stack.of(self).format_arn(service="ecs", resource="*"))
        confine_trust(self.obtain_execution_role())  # ECS documents aws:SourceArn only for the task role
        definition = self.add_container(
            container.name,
            container_name=container.name,
            image=ecs.ContainerImage.from_registry(container.image),
            command=list(container.command) if container.command else None,
            environment=dict(container.environment),
            secrets=dict(container.secrets),
            user=container.user,
            readonly_root_filesystem=container.read_only,
            port_mappings=[ecs.PortMapping(container_port=container.port)] if container.port else None,
            health_check=container.health_check.of_container() if container.health_check else None,
            stop_timeout=cdk.Duration.seconds(container.stop_timeout),
            linux_parameters=ecs.LinuxParameters(self, "Linux", init_process_enabled=True),
            logging=ecs.LogDrivers.aws_logs(stream_prefix=container.name, log_group=log_group),
        )
        accept(
            self,
            "the variables are addresses and names; what is secret comes from Secrets Manager, as tests/stacks ask",
            "AwsSolutions-ECS2",
        )
        if container.read_only:
            self.add_volume(name="tmp")
            definition.add_mount_points(ecs.MountPoint(container_path="/tmp", source_volume="tmp", read_only=False))  # noqa: S108 - the container's own

    def _allow_pull(self, repository_arns: Sequence[str]) -> None:
        pull = iam.PolicyStatement(
            sid="PullImage",
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=list(repository_arns),
        )
        give(self.obtain_execution_role(), [pull, everywhere("ecr:GetAuthorizationToken", sid="LogInToRegistry")])
