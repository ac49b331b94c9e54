"""Certificates, hosted zones and records of an environment's domain: each check fails once, and passes once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway_cli.doctor.domains import covers
from tests.slipway_cli.doctor.conftest import Account
from tests.slipway_cli.doctor.findings import check, missing, ok
from tests.support.certificates import self_signed

pytestmark = pytest.mark.local
DOMAIN = "staging.shop.example"


def domain(**more: str) -> dict[str, Any]:
    """Returns changes of the manifest that give staging a domain."""
    return {"environments.staging.edge": {"domain": {"name": DOMAIN, **more}}}


def issued(account: Account, name: str, region: str = "us-east-1") -> str:
    """Returns the ARN of a certificate that ACM issued."""
    acm, route53 = account.client("acm", region), account.client("route53")
    arn = acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]
    record = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"][0]["ResourceRecord"]
    zone = route53.create_hosted_zone(Name=name, CallerReference=arn)["HostedZone"]["Id"]
    put(account, zone, record["Name"], "CNAME", record["Value"])
    return str(arn)


def put(account: Account, zone: str, name: str, kind: str, value: str) -> None:
    """Creates a record."""
    made = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": made}]}
    account.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)


def test_the_certificate_must_exist_and_be_issued(account: Account) -> None:
    asked = check("certificates")
    absent = f"arn:aws:acm:us-east-1:{account.id}:certificate/0f1e2d3c-0000-4000-8000-000000000000"
    found = missing(account.ask(asked, "staging", domain(certificate_arn=absent)))
    assert (found.check, found.detail) == ("certificate of staging", f"{absent} does not exist")
    assert f"request-certificate --domain-name {DOMAIN} --validation-method DNS --region us-east-1" in found.fix

    acm = account.client("acm")
    pending = acm.request_certificate(DomainName=DOMAIN, ValidationMethod="DNS")["CertificateArn"]
    found = missing(account.ask(asked, "staging", domain(certificate_arn=pending)))
    assert found.detail == "is PENDING_VALIDATION"
    assert f"create the DNS record _acme-challenge.{DOMAIN}. CNAME " in found.fix

    good = domain(certificate_arn=issued(account, DOMAIN))
    assert ok(account.ask(asked, "staging", good))["certificate of staging"].startswith(f"ISSUED for {DOMAIN}, until ")


def test_the_certificate_must_be_for_the_domain(account: Account) -> None:
    other = domain(certificate_arn=issued(account, "www.shop.example"))
    found = missing(account.ask(check("certificates"), "staging", other))
    assert found.detail == f"is for www.shop.example, not for {DOMAIN}"


def test_the_certificate_must_be_in_the_environments_account(account: Account) -> None:
    other = domain(
        certificate_arn="arn:aws:acm:us-east-1:999988887777:certificate/0f1e2d3c-0000-4000-8000-000000000000"
    )
    assert "is in another account" in missing(account.ask(check("certificates"), "staging", other)).detail


def test_nobody_renews_an_imported_certificate(account: Account) -> None:
    asked = check("certificates")
    for days, text in ((20, "expires on"), (200, "ISSUED for")):
        certificate, key = self_signed(DOMAIN, datetime.now(UTC) + timedelta(days=days))
        arn = account.client("acm").import_certificate(Certificate=certificate, PrivateKey=key)["CertificateArn"]
        [found] = account.ask(asked, "staging", domain(certificate_arn=arn))
        assert found.detail.startswith(text)
        assert found.result == ("missing" if days == 20 else "ok")


def test_the_load_balancer_needs_a_certificate_of_its_region(account: Account) -> None:
    region = "eu-central-1"
    changes = {
        **domain(
            certificate_arn=issued(account, DOMAIN),
            load_balancer_certificate_arn=issued(account, f"*.{DOMAIN.partition('.')[2]}", region),
        ),
        "environments.staging.region": region,
    }
    found = ok(account.ask(check("certificates"), "staging", changes))
    assert set(found) == {"certificate of staging", "load balancer's certificate of staging"}


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("staging.shop.example", True),
        ("Staging.Shop.Example", True),
        ("*.shop.example", True),
        ("shop.example", False),
        ("*.example", False),
        ("*.staging.shop.example", False),
    ],
)
def test_an_asterisk_stands_for_one_label(name: str, *, covered: bool) -> None:
    assert covers(name, DOMAIN) is covered


def test_the_hosted_zone_must_exist_and_contain_the_domain(account: Account) -> None:
    asked, route53 = check("hosted zones"), account.client("route53")
    found = missing(account.ask(asked, "staging", domain(hosted_zone_id="Z0123456789ABCDEFGHIJ")))
    assert found.detail == f"Z0123456789ABCDEFGHIJ does not exist in account {account.id}"

    other = route53.create_hosted_zone(Name="other.example", CallerReference="other")["HostedZone"]["Id"]
    found = missing(account.ask(asked, "staging", domain(hosted_zone_id=other.rpartition("/")[2])))
    assert f"is other.example, which does not contain {DOMAIN}" in found.detail

    zone = route53.create_hosted_zone(Name="shop.example", CallerReference="shop")["HostedZone"]["Id"]
    good = domain(hosted_zone_id=zone.rpartition("/")[2])
    assert ok(account.ask(asked, "staging", good)) == {
        "hosted zone of staging": "shop.example",
        "records of staging": f"{DOMAIN} is free",
    }


def test_a_private_zone_serves_no_visitor(account: Account) -> None:
    vpc = account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    made = account.client("route53").create_hosted_zone(
        Name="shop.example",
        CallerReference="private",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": "us-east-1", "VPCId": vpc},
    )
    changes = domain(hosted_zone_id=made["HostedZone"]["Id"].rpartition("/")[2])
    assert "is private" in missing(account.ask(check("hosted zones"), "staging", changes)).detail


def test_a_record_of_somebody_else_would_stop_the_edge_stack(account: Account) -> None:
    zone = account.client("route53").create_hosted_zone(Name="shop.example", CallerReference="shop")["HostedZone"]["Id"]
    put(account, zone, DOMAIN, "A", "192.0.2.1")
    changes = domain(hosted_zone_id=zone.rpartition("/")[2])
    found = [finding for finding in account.ask(check("hosted zones"), "staging", changes) if finding.result != "ok"]
    assert [finding.detail for finding in found] == [f"{DOMAIN} has A already, so the Edge stack would fail"]

    account.deploy("staging-allthrive-edge", Topic=("AWS::SNS::Topic", {}))
    assert ok(account.ask(check("hosted zones"), "staging", changes)) == {"hosted zone of staging": "shop.example"}
