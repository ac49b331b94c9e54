"""The usage of hosts and clusters: control planes, instances and their disks."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import UnknownUseError, Use


def group(resource: Resource) -> Iterator[Use]:
    """Yields the instances of a group that always has the same number of them, with the disks they start with."""
    properties = resource.properties
    count = resource.number(properties.get("MinSize"))
    if count is None or properties.get("MinSize") != properties.get("MaxSize"):
        raise UnknownUseError("only groups with a fixed number of instances are priced")
    template = resource.referred(properties["LaunchTemplate"]["LaunchTemplateId"]).get("LaunchTemplateData")
    if not template:
        raise UnknownUseError("its launch template is not in this stack")
    size = str(template["InstanceType"])
    yield Use(f"{size} host", f"ec2-{size}-hour", count * resource.assume.hours, "hours")
    for device in template.get("BlockDeviceMappings", ()):
        gb = count * Decimal(str(device["Ebs"]["VolumeSize"]))
        yield Use(f"disk of the {size} host", "ebs-gp3-gb-month", gb, "GB")


def disk(resource: Resource) -> Iterator[Use]:
    """Yields a disk that outlives the host."""
    if resource.text("VolumeType") != "gp3":
        raise UnknownUseError("only gp3 volumes are priced")
    gb = resource.number(resource.properties.get("Size"))
    if gb is None:
        raise UnknownUseError("its size is not a number")
    yield Use("data disk", "ebs-gp3-gb-month", gb, "GB")


_NODE = "m6g.large"
_NODE_DISK_GB = 80  # docs.aws.amazon.com/eks/latest/userguide/create-node-class.html, ephemeralStorage


def cluster(resource: Resource) -> Iterator[Use]:
    """Yields the control plane of a cluster of EKS and, in Auto Mode, the nodes that it is assumed to start."""
    hours, nodes = resource.assume.hours, resource.assume.eks_nodes
    yield Use("control plane of EKS", "eks-cluster-hour", hours, "hours")
    if not (resource.properties.get("ComputeConfig") or {}).get("Enabled"):
        return
    assumed = f"{nodes} nodes: Auto Mode starts what pods need"
    yield Use(f"{_NODE} nodes", f"ec2-{_NODE}-hour", nodes * hours, "hours", assumed)
    yield Use(f"Auto Mode for {_NODE} nodes", f"eks-auto-{_NODE}-hour", nodes * hours, "hours", assumed)
    yield Use("disks of the nodes", "ebs-gp3-gb-month", nodes * _NODE_DISK_GB, "GB", assumed)
