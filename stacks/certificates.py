"""The certificates of an environment's domain: CloudFront's in us-east-1, the load balancer's in the own region."""

from __future__ import annotations

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from products import Environment
from products.environment import Domain


def zone(scope: Construct, domain: Domain | None) -> route53.IHostedZone | None:
    """Returns the hosted zone of a domain, or None if an operator manages its records elsewhere."""
    if domain is None or domain.hosted_zone_id is None:
        return None
    return route53.HostedZone.from_hosted_zone_attributes(
        scope, "Zone", hosted_zone_id=domain.hosted_zone_id, zone_name=domain.name
    )


def of_cloudfront(scope: Construct, domain: Domain, hosted: route53.IHostedZone | None) -> acm.ICertificate:
    """Returns the certificate with which CloudFront answers visitors."""
    if domain.certificate_arn:
        return acm.Certificate.from_certificate_arn(scope, "Certificate", domain.certificate_arn)
    return _created(scope, domain, hosted)


def of_the_load_balancer(scope: Construct, environment: Environment) -> acm.ICertificate | None:
    """Returns the certificate with which the load balancer answers CloudFront; None without a domain.

    It is for the domain's name, although the load balancer has another: CloudFront accepts a certificate for the name
    in the `Host` header, which it forwards (docs/adr/0027).
    """
    domain = environment.edge.domain
    if domain is None:
        return None
    existing = domain.load_balancer_certificate(environment.region)
    if existing:
        return acm.Certificate.from_certificate_arn(scope, "Certificate", existing)
    return _created(scope, domain, zone(scope, domain))


def _created(scope: Construct, domain: Domain, hosted: route53.IHostedZone | None) -> acm.Certificate:
    validation = acm.CertificateValidation.from_dns(hosted)
    return acm.Certificate(scope, "Certificate", domain_name=domain.name, validation=validation)
