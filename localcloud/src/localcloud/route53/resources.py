"""Resource types of Route 53: health checks, and hosted zones with VPCs and tags."""

from __future__ import annotations

import uuid
from typing import Any

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS


def _vpcs(zone: str, value: Any, _props: adapter.Props) -> None:
    route53 = adapter.client("route53")
    zone_id = zone.rsplit("/", 1)[-1]
    known = {item["VPCId"] for item in route53.get_hosted_zone(Id=zone_id).get("VPCs", [])}
    for item in value or []:
        if item["VPCId"] not in known:
            route53.associate_vpc_with_hosted_zone(HostedZoneId=zone_id, VPC=item)


def _tags(zone: str, value: Any, _props: adapter.Props) -> None:
    tags = completion.tag_list(value)
    if tags:
        adapter.client("route53").change_tags_for_resource(
            ResourceType="hostedzone", ResourceId=zone.rsplit("/", 1)[-1], AddTags=tags
        )


def _check_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    wanted = {"CallerReference": uuid.uuid4().hex, "HealthCheckConfig": props["HealthCheckConfig"]}
    made = adapter.call("route53", "create_health_check", wanted)["HealthCheck"]["Id"]
    return made, {"HealthCheckId": made}


def _check_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("route53").delete_health_check(HealthCheckId=physical_id)


def install() -> None:
    """Complete hosted zones and register health checks."""
    completion.complete(
        "AWS::Route53::HostedZone", {"VPCs": _vpcs, "HostedZoneTags": _tags}, refused=("QueryLoggingConfig",)
    )
    adapter.register("AWS::Route53::HealthCheck", _check_create, _check_delete)
    adapter.RECORDED["AWS::Route53::HealthCheck"] = "listed by the API, but nothing is probed"
