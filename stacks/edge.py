"""The Edge stack: site bucket and CloudFront."""

from __future__ import annotations

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from products.environment import Domain
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
    """The only public entrance to one environment."""

    distribution: cloudfront.Distribution
    site: s3.Bucket

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_scope: EnvironmentScope,
        data: DataStack,
        services: ServicesStack,
    ) -> None:
        super().__init__(
            scope, construct_id, environment_scope=environment_scope, description="Site bucket and CloudFront"
        )
        edge = environment_scope.environment.edge
        zone = _zone(self, edge.domain)
        # Any release can publish the site again, so the bucket is deleted with its stack unless data is kept.
        site = self.site = PrivateBucket(
            self, "Site", keep=environment_scope.environment.keep_data, access_logs=data.access_logs
        )
        product_services = environment_scope.product.services.values()
        web_acl = self._define_web_acl(environment_scope) if edge.waf else None
        self.distribution = ProductDistribution(
            self,
            "Edge",
            description=environment_scope.prefix,
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

    def _define_web_acl(self, environment_scope: EnvironmentScope) -> WebAcl:
        return WebAcl(
            self,
            "WebAcl",
            log_name=environment_scope.prefix,
            log_retention=environment_scope.log_retention,
            requests_per_5_minutes=environment_scope.environment.edge.waf_requests_per_5_minutes,
        )

    def _address(self, domain: Domain, zone: route53.IHostedZone | None) -> Address:
        if domain.certificate_arn:
            existing = acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn)
            return Address(domain.name, existing)
        validation = acm.CertificateValidation.from_dns(zone)
        created = acm.Certificate(self, "Certificate", domain_name=domain.name, validation=validation)
        return Address(domain.name, created)

    def _define_record(self, domain: Domain, zone: route53.IHostedZone) -> None:
        target = route53.RecordTarget.from_alias(targets.CloudFrontTarget(self.distribution))
        name = f"{domain.name}."  # the final dot makes the name absolute, so that the zone's name is not appended
        route53.ARecord(self, "Ipv4", zone=zone, record_name=name, target=target)
        route53.AaaaRecord(self, "Ipv6", zone=zone, record_name=name, target=target)


def _zone(scope: Construct, domain: Domain | None) -> route53.IHostedZone | None:
    if domain is None or domain.hosted_zone_id is None:
        return None
    return route53.HostedZone.from_hosted_zone_attributes(
        scope, "Zone", hosted_zone_id=domain.hosted_zone_id, zone_name=domain.name
    )
