"""Checks of a region: the zones of each environment, CloudFront's prefix list, instance types of hosts."""

from __future__ import annotations

from collections.abc import Iterator

from products import Environment
from products.regions import REGIONS, zones
from slipway_cli.doctor.model import Finding, missing, ok
from slipway_cli.doctor.scene import Check, Scene

# CloudFront developer guide, "Restrict access with VPC origins", supported AWS Regions.
WITHOUT_VPC_ORIGINS = frozenset({"use1-az3", "usw1-az2", "apne1-az3", "cac1-az3"})
PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing"


def _zones(scene: Scene) -> Iterator[Finding]:
    if not scene.environments:
        return
    answer = scene.client("ec2").describe_availability_zones()
    known = {zone["ZoneName"]: zone["ZoneId"] for zone in answer["AvailabilityZones"] if zone["State"] == "available"}
    for name, environment in scene.environments.items():
        yield _of_environment(name, environment, known)


def _of_environment(name: str, environment: Environment, known: dict[str, str]) -> Finding:
    check, network = f"zones of {name}", environment.network
    wanted = zones(environment.region, network.zones, network.zone_letters)
    bad = [zone for zone in wanted if known.get(zone) is None or known[zone] in WITHOUT_VPC_ORIGINS]
    if not bad:
        return ok(check, ", ".join(f"{zone} ({known[zone]})" for zone in wanted))
    why = [
        f"{zone} is {known[zone]}, which CloudFront's VPC origins do not support"
        if zone in known
        else f"the account has no zone {zone}"
        for zone in bad
    ]
    good = [zone for zone in sorted(known) if known[zone] not in WITHOUT_VPC_ORIGINS]
    if len(good) < network.zones:
        fix = f"write environments.{name}.network.zones: {len(good)}" if len(good) > 1 else "choose another region"
    else:
        letters = "".join(zone.removeprefix(environment.region) for zone in good)
        fix = f"write environments.{name}.network.zone_letters: {letters}, before the first deployment"
    return missing(check, "; ".join(why), fix)


def _prefix_list(scene: Scene) -> Iterator[Finding]:
    if not scene.environments:
        return
    filters = [{"Name": "prefix-list-name", "Values": [PREFIX_LIST]}]
    found = scene.client("ec2").describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    actual = ", ".join(listed["PrefixListId"] for listed in found) or "none"
    expected = REGIONS[scene.region].cloudfront_prefix_list
    if actual == expected:
        yield ok("CloudFront's prefix list", actual)
    else:
        detail = f"the region's is {actual}, products/regions.py has {expected}"
        yield missing("CloudFront's prefix list", detail, f"write {actual} for {scene.region} in products/regions.py")


def _instances(scene: Scene) -> Iterator[Finding]:
    for name, environment in scene.environments.items():
        if environment.machines is None:
            continue
        network, instance = environment.network, environment.machines.instance
        wanted = zones(environment.region, network.zones, network.zone_letters)
        answer = scene.client("ec2").describe_instance_type_offerings(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [instance]}, {"Name": "location", "Values": wanted}],
        )
        offered = {offering["Location"] for offering in answer["InstanceTypeOfferings"]}
        lacking = [zone for zone in wanted if zone not in offered]
        check = f"instance type of {name}"
        if lacking:
            key = "hosts" if environment.target == "hosts" else "kubernetes.host"
            fix = f"write another type in environments.{name}.{key}.instance, or other network.zone_letters"
            yield missing(check, f"{instance} is not offered in {', '.join(lacking)}", fix)
        else:
            yield ok(check, f"{instance} in {', '.join(wanted)}")


CHECKS = (
    Check("zones", _zones),
    Check("CloudFront's prefix list", _prefix_list),
    Check("instance types", _instances),
)
