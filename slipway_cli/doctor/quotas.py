"""Checks of quotas: what the manifest needs, compared with the account's values.

Only what can be counted without reading metrics is compared with what the account uses already: VPCs, addresses and
distributions. Codes and defaults: docs.aws.amazon.com/general/latest/gr, the page of each service.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from products import Environment
from products.compute import compute
from products.flows import deliveries
from slipway_cli.doctor.model import Finding, missing, ok
from slipway_cli.doctor.scene import GLOBAL_REGION, Check, Scene, none_if

# The weight of CloudFront's prefix list: aws.amazon.com/blogs/networking-and-content-delivery, "Limit access to your
# origins using the AWS-managed prefix list for Amazon CloudFront".
PREFIX_LIST_RULES = 55
_UNITS = 1024  # CPU units of one vCPU
_NAT_INSTANCE = "t4g.nano"  # constructs/slipway/network.py


@dataclass(frozen=True)
class Quota:
    """A quota, by its codes."""

    name: str
    service: str
    code: str


VPCS = Quota("VPCs", "vpc", "L-F678F1CE")
ADDRESSES = Quota("elastic IPs", "ec2", "L-0263D0A3")
RULES = Quota("rules of a security group", "vpc", "L-0EA8095F")
FARGATE = Quota("Fargate vCPUs", "fargate", "L-3032A538")
SPOT = Quota("Fargate Spot vCPUs", "fargate", "L-36FBB829")
INSTANCES = Quota("vCPUs of EC2 instances", "ec2", "L-1216C47A")
DISTRIBUTIONS = Quota("CloudFront distributions", "cloudfront", "L-24B04930")


def _value(scene: Scene, quota: Quota, region: str) -> float:
    """Returns the applied value; the default if the account has no own value."""
    client = scene.client("service-quotas", region)
    named = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    found = none_if({"NoSuchResourceException"}, client.get_service_quota, **named)
    found = found or client.get_aws_default_service_quota(**named)
    return float(found["Quota"]["Value"])


def _compared(scene: Scene, quota: Quota, needed: float, used: int = 0, region: str = "") -> Finding:
    region = region or scene.region
    value, check = _value(scene, quota, region), f"quota: {quota.name}"
    sum_ = f"{needed:g} needed" + (f" and {used} in use" if used else "")
    if needed + used <= value:
        return ok(check, f"{sum_} of {value:g}")
    fix = (
        f"aws service-quotas request-service-quota-increase --service-code {quota.service} --quota-code {quota.code} "
        f"--desired-value {math.ceil(needed + used)} --region {region}"
    )
    return missing(check, f"{sum_}, the quota is {value:g}", fix)


def _vpcs(scene: Scene) -> Iterator[Finding]:
    if new := scene.new():
        pages = scene.client("ec2").get_paginator("describe_vpcs").paginate()
        yield _compared(scene, VPCS, len(new), sum(len(page["Vpcs"]) for page in pages))


def _addresses(scene: Scene) -> Iterator[Finding]:
    networks = [environment.network for environment in scene.new().values()]
    if needed := sum(network.nat_count for network in networks if network.nat == "gateway"):
        yield _compared(scene, ADDRESSES, needed, len(scene.client("ec2").describe_addresses()["Addresses"]))


def _rules(scene: Scene) -> Iterator[Finding]:
    if scene.environments:
        yield _compared(scene, RULES, PREFIX_LIST_RULES)


def _fargate(scene: Scene) -> Iterator[Finding]:
    for quota, capacity in ((FARGATE, "on-demand"), (SPOT, "spot")):
        if needed := sum(fargate_vcpus(scene, name, capacity) for name in scene.environments):
            yield _compared(scene, quota, needed)


def fargate_vcpus(scene: Scene, name: str, capacity: str) -> float:
    """Returns the vCPUs that an environment may use at once: a release doubles its tasks unless scaling already has."""
    product, environment = scene.product, scene.environments[name]
    units = 0
    for service in product.services_in(name).values():
        if (service.capacity or environment.capacity) == capacity:
            during_release = service.count * (1 if service.singleton else 2)
            maximum = service.scaling.maximum if service.scaling else 0
            units += max(during_release, maximum) * service.size.cpu
    if capacity == "on-demand" and product.migration and environment.target == "fargate":
        units += product.migration.size.cpu  # migrations never run on Spot
    return units / _UNITS


def _instances(scene: Scene) -> Iterator[Finding]:
    counts: dict[str, int] = {}
    for environment in scene.environments.values():
        for instance, count in _machines(environment):
            counts[instance] = counts.get(instance, 0) + count
    if not counts:
        return
    # Unlike InstanceTypes, a filter takes types that do not exist: that is another check's finding.
    filters = [{"Name": "instance-type", "Values": sorted(counts)}]
    answer = scene.client("ec2").describe_instance_types(Filters=filters)
    vcpus = {found["InstanceType"]: int(found["VCpuInfo"]["DefaultVCpus"]) for found in answer["InstanceTypes"]}
    yield _compared(scene, INSTANCES, sum(vcpus.get(instance, 0) * count for instance, count in counts.items()))


def _machines(environment: Environment) -> Iterator[tuple[str, int]]:
    if machines := environment.machines:
        yield machines.instance, machines.count
    if environment.network.nat == "instance":
        yield _NAT_INSTANCE, environment.network.nat_count


def _distributions(scene: Scene) -> Iterator[Finding]:
    if new := scene.new():
        pages = scene.client("cloudfront", GLOBAL_REGION).get_paginator("list_distributions").paginate()
        used = sum(int(page["DistributionList"]["Quantity"]) for page in pages)
        yield _compared(scene, DISTRIBUTIONS, len(new), used, GLOBAL_REGION)


def _builds(scene: Scene) -> Iterator[Finding]:
    if not scene.tooling or not (found := deliveries(scene.product)):
        return
    architecture = next(iter(scene.product.environments.values())).architecture
    host = "ARM" if architecture == "arm64" else "Linux"
    pages = scene.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="codebuild")
    listed = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    small = max(
        sum(compute(scene.product, action) == "small" for action in stage.actions)
        for delivery in found
        for stage in delivery.stages
    )
    for size in ("Small", "Medium"):
        quota = listed.get(f"Concurrently running builds for {host}/{size} environment")
        if quota is None:
            continue
        check, value = f"quota: builds on {host}/{size}", int(quota["Value"])
        if value < 1:
            fix = (
                "aws service-quotas request-service-quota-increase --service-code codebuild "
                f"--quota-code {quota['QuotaCode']} --desired-value {max(small, 1)} --region {scene.region}"
            )
            yield missing(check, "no build can run", fix)
        elif size == "Small" and value < small:
            yield ok(check, f"{value} at once: the {small} builds of a stage wait for each other")
        else:
            yield ok(check, f"{value} at once")


CHECKS = (
    Check("quota: VPCs", _vpcs),
    Check("quota: elastic IPs", _addresses),
    Check("quota: rules of a security group", _rules),
    Check("quota: Fargate vCPUs", _fargate),
    Check("quota: vCPUs of EC2 instances", _instances),
    Check("quota: CloudFront distributions", _distributions),
    Check("quota: builds", _builds),
)
