"""A requested certificate is issued when its validation records exist."""

from __future__ import annotations

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_a_certificate_is_pending_until_the_zone_has_its_record(plain: Plain) -> None:
    acm, route53, name = plain.client("acm"), plain.client("route53"), f"{unique('shop')}.example.com"
    arn = acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert found["Status"] == "PENDING_VALIDATION"
    record = found["DomainValidationOptions"][0]["ResourceRecord"]

    zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    made = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": made}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)

    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (found["Status"], found["DomainValidationOptions"][0]["ValidationStatus"]) == ("ISSUED", "SUCCESS")


def test_a_certificate_of_a_template_is_issued_at_once(plain: Plain) -> None:
    properties = {"DomainName": "shop.example.com", "ValidationMethod": "DNS"}
    made = plain.deploy(resources(Certificate=("AWS::CertificateManager::Certificate", properties)))
    found = plain.client("acm").describe_certificate(CertificateArn=made["Certificate"])["Certificate"]
    assert found["Status"] == "ISSUED"
