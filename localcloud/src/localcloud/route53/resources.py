"""Resource types of Route 53: health checks, hosted zones with VPCs and tags, and records in zones of AWS."""

from __future__ import annotations

import uuid
from typing import Any

from ministack.services import route53

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = (
    *completion.SYMBOLS,
    "ministack.services.route53:_default_records",
    "ministack.services.route53:_lock",
    "ministack.services.route53:_normalise_name",
    "ministack.services.route53:_records",
    "ministack.services.route53:_zones",
)

_RECORD = "AWS::Route53::RecordSet"


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


def _zone_of_aws(props: adapter.Props) -> None:
    """Create the hosted zone of a record if it does not exist: AWS chose its id, so nobody can create it here."""
    zone = str(props.get("HostedZoneId") or "").rsplit("/", 1)[-1]
    name = route53._normalise_name(str(props.get("Name", "")))
    with route53._lock:
        if zone and zone not in route53._zones:
            comment = "of an account on AWS; created by its first record"
            route53._zones[zone] = {
                "id": zone, "name": name, "caller_reference": zone, "comment": comment, "private": False, "vpcs": []
            }  # fmt: skip
            route53._records[zone] = route53._default_records(name)


def _records() -> None:
    original = adapter.builtin(_RECORD)

    def create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
        _zone_of_aws(props)
        return original.create(logical_id, props, stack_name)

    adapter.override(_RECORD, create=create)


def _check_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    wanted = {"CallerReference": uuid.uuid4().hex, "HealthCheckConfig": props["HealthCheckConfig"]}
    made = adapter.call("route53", "create_health_check", wanted)["HealthCheck"]["Id"]
    return made, {"HealthCheckId": made}


def _check_delete(physical_id: str, _props: adapter.Props) -> None:
    adapter.client("route53").delete_health_check(HealthCheckId=physical_id)


def install() -> None:
    """Complete hosted zones and records, and register health checks."""
    _records()
    completion.complete(
        "AWS::Route53::HostedZone", {"VPCs": _vpcs, "HostedZoneTags": _tags}, refused=("QueryLoggingConfig",)
    )
    adapter.register("AWS::Route53::HealthCheck", _check_create, _check_delete)
    adapter.RECORDED["AWS::Route53::HealthCheck"] = "listed by the API, but nothing is probed"
