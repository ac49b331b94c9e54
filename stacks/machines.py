"""Stacks with virtual machines, the load balancer before them, and what releases to them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from products import host_files, names
from products.hosts import Hosts
from slipway import host_boot
from slipway.alarms import MINUTE, Alarms
from slipway.distribution import Route
from slipway.host_backups import DiskBackups
from slipway.host_boot import Runner, System, boot_script, runner_asset
from slipway.host_document import HostDocument
from slipway.host_group import HostGroup, Machine
from slipway.host_role import HostRole, Readable
from slipway.load_balancer import InternalLoadBalancer
from slipway.log_retention import accept_log_encryption
from slipway.network import ProductNetwork
from slipway.private_bucket import PrivateBucket
from stacks import entrances
from stacks.data import DataStack
from stacks.host_tasks import host_tasks
from stacks.host_values import Configuration, parameter, repositories
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.target import Task, Watched

LEAST_MINUTES = 20
"""Of a step: pull, two minutes until healthy, the status page, and the same for the release before."""
_BACKUP_DAYS = 30
_FULL_PERCENT, _MEMORY_PERCENT = 85, 90


class MachinesStack(EnvironmentStack):
    """The machines of one environment. A release changes nothing in this stack: it is in a bucket.

    A subclass says what runs on the machines: Docker Compose or MicroK8s.
    """

    load_balancer: InternalLoadBalancer
    DESCRIPTION: str
    SYSTEM: System
    """The program that runs the containers."""
    OPERATING_SYSTEM: Literal["amazon-linux", "ubuntu"]
    FOLDERS = ""
    """The folders of programs, beside the usual ones."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_scope: EnvironmentScope,
        network: ProductNetwork,
        data: DataStack,
    ) -> None:
        super().__init__(scope, construct_id, environment_scope=environment_scope, description=self.DESCRIPTION)
        self._scope, self._network, self._data = environment_scope, network, data
        self._hosts = environment_scope.environment.machines or Hosts()
        self._entrance = self.entrance(environment_scope)
        self._tags = names.host_tags(environment_scope.name, environment_scope.product.name)
        self.load_balancer = entrances.load_balancer(self, environment_scope, network, data)
        self._targets = self._define_targets()
        self._releases = PrivateBucket(
            self, "Releases", keep=environment_scope.environment.keep_data, access_logs=data.access_logs
        )
        self._containers_log, self._commands_log = self._define_logs()
        runner = runner_asset(self)
        values = self.configuration(environment_scope, data)
        configuration = parameter(
            self, environment_scope, values, description="What the hosts run; it names secrets, and holds none"
        )
        self._program = Runner(runner.s3_object_url, self._releases.bucket_name, configuration.name or "")
        self._role = self._define_role(runner, values.secrets)
        self._document = self._define_document(runner)
        self._group = self._define_group()
        # A host that boots without its rights fails, and nothing repeats its first boot.
        self._group.after(configuration, self._role.node.find_child("DefaultPolicy"))
        self._define_backups()
        self.output(names.RELEASES_OUTPUT, self._releases.bucket_name, "Releases, by digest")
        self.output(names.TARGETS_OUTPUT, self._targets.target_group_arn, "The hosts that get requests")

    @abstractmethod
    def entrance(self, environment_scope: EnvironmentScope) -> host_files.Entrance:
        """Returns where a host answers the load balancer."""

    @abstractmethod
    def configuration(self, environment_scope: EnvironmentScope, data: DataStack) -> Configuration:
        """Define what the configuration refers to, and return it."""

    def step_minutes(self, _environment_scope: EnvironmentScope) -> int:
        """Returns the minutes that a step may take."""
        return LEAST_MINUTES

    def routes(self) -> list[Route]:
        """Returns the path patterns of the proxy: every path."""
        return [Route(path, cached) for path, cached in self._entrance.routes()]

    def watched(self) -> Watched:
        """Returns the target group of the hosts."""
        return Watched({"HostsAreUnhealthy": self._targets}, "HostsAreUnhealthy")

    def watch(self, _scope: Construct, alarms: Alarms) -> None:
        """Notify people of hosts that are missing, of full disks and of little memory."""
        alarms.add(
            "HostsAreMissing",
            self._targets.metrics.healthy_host_count(period=MINUTE, statistic="Minimum"),
            threshold=self._hosts.count,
            of_minutes=15,
            below=True,
            missing_is_bad=True,
        )
        for number, host in enumerate(self._group.hosts, start=1):
            name = host_boot.metric_name(self._scope.prefix, host)
            folders = {"Disk": "/", **({"DataDisk": host_boot.DATA_FOLDER} if self._hosts.data_disk_gb else {})}
            for disk, folder in folders.items():
                used = _metric(host_boot.DISK, {host_boot.HOST: name, host_boot.PATH: folder})
                alarms.add(
                    f"{disk}OfHost{number}IsFull",
                    used,
                    threshold=_FULL_PERCENT,
                    of_minutes=10,
                    heading="DiskOfHostIsFull",
                )
            alarms.add(
                f"MemoryOfHost{number}IsLow",
                _metric(host_boot.MEMORY, {host_boot.HOST: name}),
                threshold=_MEMORY_PERCENT,
                of_minutes=10,
                heading="MemoryOfHostIsLow",
            )

    def tasks(self, access: cdk.Stack) -> list[Task]:
        """Returns what the pipeline does with the hosts."""
        document = names.release_document(self._scope.name, self._scope.product.name)
        return host_tasks(access, self._scope, document=document, releases=self._releases, targets=self._targets)

    def _define_targets(self) -> elbv2.ApplicationTargetGroup:
        check = entrances.check(self._entrance)
        targets = self.load_balancer.host_targets(
            "Hosts", port=self._entrance.port, health_check=check, drain=entrances.DRAIN
        )
        self.load_balancer.route([(path, targets) for path, _ in self._entrance.routes()])
        return targets

    def _define_logs(self) -> tuple[logs.LogGroup, logs.LogGroup]:
        place = (self._scope.name, self._scope.product.name)
        keep = self._scope.environment.keep_data
        groups = [
            logs.LogGroup(
                self,
                construct_id,
                log_group_name=name,
                retention=self._scope.log_retention,
                removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
            )
            for construct_id, name in (
                ("ContainerLogs", names.hosts_log_group(*place)),
                ("CommandLogs", names.commands_log_group(*place)),
            )
        ]
        for group in groups:
            accept_log_encryption(group)
        return groups[0], groups[1]

    def _define_role(self, runner: s3_assets.Asset, secrets: list[str]) -> HostRole:
        configuration = names.host_configuration(self._scope.name, self._scope.product.name)
        readable = Readable(
            releases=self._releases.bucket_arn,
            runner=runner.bucket.arn_for_objects(runner.s3_object_key),
            configuration=self.format_arn(service="ssm", resource="parameter", resource_name=configuration[1:]),
            secrets=secrets,
            repositories=repositories(self, self._scope),
            log_groups=[self._containers_log.log_group_arn, self._commands_log.log_group_arn],
        )
        return HostRole(self, "Role", readable=readable, statements=self._data.media_access())

    def _define_document(self, runner: s3_assets.Asset) -> HostDocument:
        product, migration = self._scope.product, self._scope.product.migration
        minutes = max(self.step_minutes(self._scope), migration.timeout_minutes + 5 if migration else 0)
        return HostDocument(
            self,
            "Document",
            name=names.release_document(self._scope.name, product.name),
            association_name=names.join_association(self._scope.name, product.name),
            region=self._scope.environment.region,
            runner=self._program,
            runner_hash=runner.asset_hash,
            tags=self._tags,
            timeout=cdk.Duration.minutes(minutes),
            folders=self.FOLDERS,
        )

    def _define_group(self) -> HostGroup:
        environment = self._scope.environment
        group = HostGroup(
            self,
            "Hosts",
            name=self._scope.prefix,
            count=self._hosts.count,
            machine=Machine(
                instance_type=self._hosts.instance,
                architecture=environment.architecture,
                disk_gb=self._hosts.disk_gb,
                data_disk_gb=self._hosts.data_disk_gb,
                system=self.OPERATING_SYSTEM,
            ),
            tags=self._tags,
            vpc=self._network.vpc,
            security_group=self._network.application,
            role=self._role,
            target_group=self._targets,
            boot=self._boot,
            keep=environment.keep_data,
        )
        if group.volumes:
            volumes = [
                self.format_arn(service="ec2", resource="volume", resource_name=volume.volume_id)
                for volume in group.volumes
            ]
            self._role.attach(volumes, self._tags)
        return group

    def _boot(self, host: str, volume: str | None) -> ec2.UserData:
        return boot_script(
            runner=self._program,
            region=self._scope.environment.region,
            log_group=names.hosts_log_group(self._scope.name, self._scope.product.name),
            host=host,
            metric_name=host_boot.metric_name(self._scope.prefix, host),
            volume=volume,
            system=self.SYSTEM,
        )

    def _define_backups(self) -> None:
        if self._group.volumes and self._scope.environment.keep_data:
            DiskBackups(self, "Backups", volumes=self._group.volumes, days=_BACKUP_DAYS)


def _metric(name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=host_boot.NAMESPACE, metric_name=name, dimensions_map=dimensions, period=MINUTE, statistic="Maximum"
    )
