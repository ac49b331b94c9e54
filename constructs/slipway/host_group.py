"""Hosts that are replaced when they end: a group of one instance for each, so that each keeps its zone and disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from slipway.accepted import accept, audits

_PROCESSORS = {"arm64": ec2.AmazonLinuxCpuType.ARM_64, "x86_64": ec2.AmazonLinuxCpuType.X86_64}
# Canonical's public parameters: documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images.
_UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{chip}/hvm/ebs-gp3/ami-id"
_UBUNTU_CHIPS = {"arm64": "arm64", "x86_64": "amd64"}
_ROOT_DISKS = {"amazon-linux": "/dev/xvda", "ubuntu": "/dev/sda1"}
HOST_TAG = "slipway:host"


@dataclass(frozen=True)
class Machine:
    """The size of a host, and its operating system."""

    instance_type: str
    architecture: Literal["arm64", "x86_64"]
    disk_gb: int
    data_disk_gb: int | None
    system: Literal["amazon-linux", "ubuntu"] = "amazon-linux"


Boot = Callable[[str, str | None], ec2.UserData]
"""Returns the user data of a host, from its name and the id of its data disk."""


class HostGroup(Construct):
    """`count` hosts in the application subnets, zone after zone.

    Default settings:
    - Amazon Linux 2023 or Ubuntu 24.04, as it is when the stack is deployed; a new image reaches a host when it is
      replaced;
    - no key pair and no public address; only what `security_group` admits;
    - the metadata service answers requests with a token only, and no container (one hop);
    - encrypted gp3 disks; the first goes with the host, the data disk stays and is attached to its successor;
    - `keep`: the data disks are kept when the stack is deleted;
    - an instance that EC2 finds unhealthy is replaced. The load balancer's checks replace none: before the first
      release, and during each, a host does not answer.
    """

    hosts: list[str]
    """The hosts' names: host-1, host-2, …"""
    volumes: list[ec2.Volume]
    """The data disks, in the order of the hosts; none without."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        count: int,
        machine: Machine,
        tags: Mapping[str, str],
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        role: iam.IRole,
        target_group: elbv2.IApplicationTargetGroup,
        boot: Boot,
        keep: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._name, self._machine, self._tags, self._vpc = name, machine, tags, vpc
        self._security_group, self._targets, self._boot, self._keep = security_group, target_group, boot, keep
        self._profile = iam.InstanceProfile(self, "Profile", role=role)
        subnets = vpc.select_subnets(subnet_group_name="Application").subnets
        self.hosts, self.volumes, self._groups = [], [], list[autoscaling.AutoScalingGroup]()
        for number in range(1, count + 1):
            host = f"host-{number}"
            self._define(host, f"Host{number}", subnets[(number - 1) % len(subnets)])
            self.hosts.append(host)

    def after(self, *constructs: IConstruct) -> None:
        """Let the hosts be started after these constructs; their disks do not wait."""
        for group in self._groups:
            group.node.add_dependency(*constructs)

    def _define(self, host: str, construct_id: str, subnet: ec2.ISubnet) -> None:
        volume = self._define_volume(host, construct_id, subnet) if self._machine.data_disk_gb else None
        template = self._define_template(construct_id, self._boot(host, volume.volume_id if volume else None))
        group = autoscaling.AutoScalingGroup(
            self,
            construct_id,
            vpc=self._vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[subnet]),
            launch_template=template,
            min_capacity=1,
            max_capacity=1,
            health_checks=autoscaling.HealthChecks.ec2(grace_period=cdk.Duration.minutes(5)),
        )
        self._groups.append(group)
        resource = group.node.default_child
        assert isinstance(resource, autoscaling.CfnAutoScalingGroup)  # noqa: S101 - for mypy: the L1 of the L2
        # The L2's method would admit the load balancer once more: the network does so already.
        resource.target_group_arns = [self._targets.target_group_arn]
        for key, value in {**self._tags, HOST_TAG: host, "Name": f"{self._name}-{host}"}.items():
            cdk.Tags.of(group).add(key, value, apply_to_launched_instances=True, priority=300)
        accept(
            group,
            "its one instance is replaced, never scaled, and an alarm says that a host is missing",
            "AwsSolutions-AS3",
            *audits("AutoScalingGroupELBHealthCheckRequired"),
        )

    def _define_volume(self, host: str, construct_id: str, subnet: ec2.ISubnet) -> ec2.Volume:
        volume = ec2.Volume(
            self,
            f"{construct_id}Data",
            availability_zone=subnet.availability_zone,
            size=cdk.Size.gibibytes(self._machine.data_disk_gb or 0),
            volume_type=ec2.EbsDeviceVolumeType.GP3,
            encrypted=True,
            removal_policy=cdk.RemovalPolicy.RETAIN if self._keep else cdk.RemovalPolicy.DESTROY,
        )
        for key, value in {**self._tags, HOST_TAG: host, "Name": f"{self._name}-{host}-data"}.items():
            cdk.Tags.of(volume).add(key, value)
        accept(
            volume,
            "the zones are named, since synthesis asks no account which it has: products/regions.py",
            "W3010",
            declared="slipway.network.ProductNetwork",
        )
        if not self._keep:
            accept(
                volume,
                "the manifest says that this environment's data may be lost (`keep_data: false`)",
                *audits("EC2EBSInBackupPlan", "NIST", "HIPAA"),
            )
        self.volumes.append(volume)
        return volume

    def _define_template(self, construct_id: str, user_data: ec2.UserData) -> ec2.LaunchTemplate:
        return ec2.LaunchTemplate(
            self,
            f"{construct_id}Template",
            machine_image=self._image(),
            instance_type=ec2.InstanceType(self._machine.instance_type),
            instance_profile=self._profile,
            security_group=self._security_group,
            user_data=user_data,
            require_imdsv2=True,
            http_put_response_hop_limit=1,
            detailed_monitoring=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name=_ROOT_DISKS[self._machine.system],
                    volume=ec2.BlockDeviceVolume.ebs(
                        self._machine.disk_gb, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3
                    ),
                )
            ],
        )

    def _image(self) -> ec2.IMachineImage:
        architecture = self._machine.architecture
        if self._machine.system == "ubuntu":
            return ec2.MachineImage.from_ssm_parameter(_UBUNTU.format(chip=_UBUNTU_CHIPS[architecture]))
        return ec2.MachineImage.latest_amazon_linux2023(cpu_type=_PROCESSORS[architecture])
