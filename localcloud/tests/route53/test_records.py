"""Records in hosted zones that exist only on AWS."""

from __future__ import annotations

import pytest

from localcloud.testing.plain import Plain, plain, resources

__all__ = ["plain"]
pytestmark = pytest.mark.local


def record(zone: str, name: str) -> dict[str, object]:
    return {"HostedZoneId": zone, "Name": name, "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}


def names(plain: Plain, zone: str) -> set[str]:
    found = plain.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {entry["Name"] for entry in found if entry["Type"] == "A"}


def test_the_first_record_creates_the_zone_and_the_next_one_finds_it(plain: Plain) -> None:
    zone = "Z0OFAWS"
    plain.deploy(
        resources(
            One=("AWS::Route53::RecordSet", record(zone, "one.example.org.")),
            Two=("AWS::Route53::RecordSet", record(zone, "two.example.org.")),
        )
    )

    assert names(plain, zone) == {"one.example.org.", "two.example.org."}


def test_a_record_that_exists_already_is_refused(plain: Plain) -> None:
    plain.deploy(resources(One=("AWS::Route53::RecordSet", record("Z0TWICE", "a.example.org."))))

    with pytest.raises(AssertionError, match="already exists"):
        plain.deploy(resources(One=("AWS::Route53::RecordSet", record("Z0TWICE", "a.example.org."))))


def test_a_zone_of_this_cloud_is_used_as_it_is(plain: Plain) -> None:
    made = plain.client("route53").create_hosted_zone(Name="example.net", CallerReference="own")["HostedZone"]
    zone = made["Id"].rsplit("/", 1)[-1]

    plain.deploy(resources(One=("AWS::Route53::RecordSet", record(zone, "www.example.net."))))

    assert names(plain, zone) == {"www.example.net."}
    assert plain.client("route53").get_hosted_zone(Id=zone)["HostedZone"]["Name"] == "example.net."
