"""Checks of an environment's domain: its certificates, its hosted zone, and records that would be in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from products.environment import Domain
from slipway_cli.doctor.model import Finding, missing, ok
from slipway_cli.doctor.scene import Check, Scene, none_if

_SOON = timedelta(days=30)  # ACM renews its own certificates 60 days before they expire: user guide, managed renewal
_RECORDS = {"A", "AAAA", "CNAME"}


def _domains(scene: Scene) -> Iterator[tuple[str, Domain]]:
    for name, environment in scene.environments.items():
        if environment.edge.domain is not None:
            yield name, environment.edge.domain


def _certificates(scene: Scene) -> Iterator[Finding]:
    for name, domain in _domains(scene):
        own = domain.load_balancer_certificate(scene.region)
        arns = dict.fromkeys(filter(None, (domain.certificate_arn, own)))
        for arn in arns:
            which = "certificate" if arn == domain.certificate_arn else "load balancer's certificate"
            yield _certificate(scene, f"{which} of {name}", domain.name, arn)


def _certificate(scene: Scene, check: str, domain: str, arn: str) -> Finding:
    region, account = arn.split(":")[3:5]
    if account != scene.account:
        return missing(check, f"{arn} is in another account", f"request one for {domain} in account {scene.account}")
    acm = scene.client("acm", region)
    found = none_if({"ResourceNotFoundException"}, acm.describe_certificate, CertificateArn=arn)
    if found is None:
        return missing(check, f"{arn} does not exist", _requested(domain, region))
    certificate = found["Certificate"]
    if certificate["Status"] == "PENDING_VALIDATION":
        return missing(check, "is PENDING_VALIDATION", f"create the DNS record {_validation(certificate)}")
    names = certificate.get("SubjectAlternativeNames") or [certificate["DomainName"]]
    wrong = {
        f"is {certificate['Status']}": certificate["Status"] != "ISSUED",
        f"is for {', '.join(names)}, not for {domain}": not any(covers(name, domain) for name in names),
    }
    if why := [text for text, true in wrong.items() if true]:
        return missing(check, " and ".join(why), _requested(domain, region))
    return _until(check, domain, certificate)


def _until(check: str, domain: str, certificate: Mapping[str, Any]) -> Finding:
    ends: datetime = certificate["NotAfter"]
    if certificate.get("Type") == "IMPORTED" and ends - datetime.now(UTC) < _SOON:
        fix = f"aws acm import-certificate --certificate-arn {certificate['CertificateArn']} …"
        return missing(check, f"expires on {ends:%Y-%m-%d}", fix)
    return ok(check, f"ISSUED for {domain}, until {ends:%Y-%m-%d}")


def _requested(domain: str, region: str) -> str:
    request = f"aws acm request-certificate --domain-name {domain} --validation-method DNS --region {region}"
    return f"{request}, then write its ARN into the manifest"


def _validation(certificate: Mapping[str, Any]) -> str:
    """Returns the records that prove to ACM whose domain it is; ACM knows them a few seconds after the request."""
    records = [option.get("ResourceRecord") for option in certificate.get("DomainValidationOptions", [])]
    return "; ".join(f"{record['Name']} CNAME {record['Value']}" for record in records if record) or "of ACM's console"


def covers(name: str, domain: str) -> bool:
    """True if a name in a certificate covers a domain; `*` stands for one label (ACM user guide, characteristics)."""
    if name.startswith("*."):
        return domain.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == domain.lower()


def _zones(scene: Scene) -> Iterator[Finding]:
    for name, domain in _domains(scene):
        if domain.hosted_zone_id is None:
            continue
        check, identifier = f"hosted zone of {name}", domain.hosted_zone_id
        key = f"environments.{name}.edge.domain.hosted_zone_id"
        found = none_if({"NoSuchHostedZone"}, scene.client("route53").get_hosted_zone, Id=identifier)
        if found is None:
            listing = f"aws route53 list-hosted-zones-by-name --dns-name {domain.name}, then write {key}"
            yield missing(check, f"{identifier} does not exist in account {scene.account}", listing)
            continue
        zone = found["HostedZone"]["Name"].removesuffix(".")
        if domain.name != zone and not domain.name.endswith(f".{zone}"):
            yield missing(check, f"{identifier} is {zone}, which does not contain {domain.name}", f"write {key}")
        elif found["HostedZone"].get("Config", {}).get("PrivateZone"):
            yield missing(check, f"{zone} is private: visitors cannot resolve it", f"write a public zone in {key}")
        else:
            yield ok(check, zone)
            yield from _records(scene, name, domain, identifier)


def _records(scene: Scene, name: str, domain: Domain, zone: str) -> Iterator[Finding]:
    """Look for records that the Edge stack could not create."""
    if scene.stack(name, "edge") is not None:
        return
    answer = scene.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=domain.name, MaxItems="10"
    )
    taken = [
        record["Type"]
        for record in answer["ResourceRecordSets"]
        if record["Name"].removesuffix(".") == domain.name and record["Type"] in _RECORDS
    ]
    check = f"records of {name}"
    if taken:
        fix = f"delete the records in zone {zone} (aws route53 change-resource-record-sets)"
        yield missing(check, f"{domain.name} has {', '.join(taken)} already, so the Edge stack would fail", fix)
    else:
        yield ok(check, f"{domain.name} is free")


CHECKS = (Check("certificates", _certificates), Check("hosted zones", _zones))
