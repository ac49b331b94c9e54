"""The Edge stack: site bucket and CloudFront."""

from __future__ import annotations

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from products.model import Domain
from slipway.distribution import Address, ProductDistribution
from slipway.private_bucket import PrivateBucket
from slipway.web_acl import WebAcl
from stacks.data import DataStack
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.services import ServicesStack

_PRICE_CLASSES = {
    "100": cloudfront.PriceClass.PRICE_CLASS_100,
    "200": cloudfront.PriceClass.PRICE_CLASS_200,
    "all": cloudfront.PriceClass.PRICE_CLASS_ALL,
}


class EdgeStack(EnvironmentStack):
    """The only door to one environment."""

    distribution: cloudfront.Distribution
    site: s3.Bucket

    def __init__(
        self, scope: Construct, construct_id: str, *, of: EnvironmentScope, data: DataStack, services: ServicesStack
    ) -> None:
        super().__init__(scope, construct_id, of=of, description="Site bucket and CloudFront")
        edge = of.environment.edge
        zone = _zone(self, edge.domain)
        # The site can be published again from any release, so its bucket goes with its stack unless data is kept.
        site = self.site = PrivateBucket(self, "Site", keep=of.environment.keep_data, access_logs=data.access_logs)
        product_services = of.product.services.values()
        web_acl = self._define_web_acl(of) if edge.waf else None
        self.distribution = ProductDistribution(
            self,
            "Edge",
            description=of.prefix,
            site=site,
            media=data.media,
            load_balancer=services.load_balancer.balancer,
            paths=[path for service in product_services for path in service.paths],
            static_paths=[path for service in product_services for path in service.static_paths],
            content_security_policy=edge.content_security_policy,
            price_class=_PRICE_CLASSES[edge.price_class],
            address=self._address(edge.domain, zone) if edge.domain else None,
            web_acl_arn=web_acl.attr_arn if web_acl else None,
        ).distribution
        if edge.domain and zone:
            self._define_record(edge.domain, zone)
        address = edge.domain.name if edge.domain else self.distribution.distribution_domain_name
        self.output("SiteBucketName", site.bucket_name, "Where the frontend is published")
        self.output("DistributionId", self.distribution.distribution_id, "What to invalidate")
        self.output("DistributionDomainName", self.distribution.distribution_domain_name, "CloudFront's own name")
        self.output("Url", f"https://{address}", "What users type")

    def _define_web_acl(self, of: EnvironmentScope) -> WebAcl:
        return WebAcl(
            self,
            "WebAcl",
            log_name=of.prefix,
            log_retention=of.log_retention,
            requests_per_5_minutes=of.environment.edge.waf_requests_per_5_minutes,
        )

    def _address(self, domain: Domain, zone: route53.IHostedZone | None) -> Address:
        if domain.certificate_arn:
            given = acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn)
            return Address(domain.name, given)
        validation = acm.CertificateValidation.from_dns(zone)
        made = acm.Certificate(self, "Certificate", domain_name=domain.name, validation=validation)
        return Address(domain.name, made)

    def _define_record(self, domain: Domain, zone: route53.IHostedZone) -> None:
        target = route53.RecordTarget.from_alias(targets.CloudFrontTarget(self.distribution))
        name = f"{domain.name}."  # with the dot it is whole, whatever the zone is called
        route53.ARecord(self, "Ipv4", zone=zone, record_name=name, target=target)
        route53.AaaaRecord(self, "Ipv6", zone=zone, record_name=name, target=target)


def _zone(scope: Construct, domain: Domain | None) -> route53.IHostedZone | None:
    if domain is None or domain.hosted_zone_id is None:
        return None
    return route53.HostedZone.from_hosted_zone_attributes(
        scope, "Zone", hosted_zone_id=domain.hosted_zone_id, zone_name=domain.name
    )
