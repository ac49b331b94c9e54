"""The Edge stack: site bucket and CloudFront."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from builds import site_files
from products import Product, names, site_checks, waf_rules
from products.environment import Domain, Edge
from products.paths import specificity
from slipway.distribution import Address, ProductDistribution, Route, Site
from slipway.private_bucket import PrivateBucket
from slipway.web_acl import WebAcl
from stacks import certificates
from stacks.data import DataStack
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.target import Target

_PRICE_CLASSES = {
    "100": cloudfront.PriceClass.PRICE_CLASS_100,
    "200": cloudfront.PriceClass.PRICE_CLASS_200,
    "all": cloudfront.PriceClass.PRICE_CLASS_ALL,
}

# For the pages of a frontend, which Slipway serves from a bucket: nothing else can send the header with them.
_PAGES_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)


class EdgeStack(EnvironmentStack):
    """The only public entrance to one environment."""

    distribution: cloudfront.Distribution
    site: s3.Bucket | None
    """The bucket of the frontend; None for a product without one."""
    files: cloudfront.KeyValueStore | None
    """The list of the frontend's files, which CloudFront's function asks."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_scope: EnvironmentScope,
        data: DataStack,
        target: Target,
    ) -> None:
        super().__init__(
            scope, construct_id, environment_scope=environment_scope, description="Site bucket and CloudFront"
        )
        edge = environment_scope.environment.edge
        zone = certificates.zone(self, edge.domain)
        self.site = self._define_site(environment_scope, data) if environment_scope.product.sites() else None
        web_acl = self._define_web_acl(environment_scope) if edge.waf else None
        sites = {site.path: site for site in self._sites(environment_scope.product)}
        edge_distribution = ProductDistribution(
            self,
            "Edge",
            description=environment_scope.prefix,
            site=sites.pop("/", None),
            media=data.media,
            load_balancer=target.load_balancer.balancer,
            routes=_routes(environment_scope.product, sites, target.routes()),
            read_timeout=cdk.Duration.seconds(edge.read_timeout_seconds),
            content_security_policy=_content_security_policy(edge, pages=self.site is not None),
            price_class=_PRICE_CLASSES[edge.price_class],
            address=_address(self, edge.domain, zone) if edge.domain else None,
            web_acl_arn=web_acl.attr_arn if web_acl else None,
        )
        self.distribution, self.files = edge_distribution.distribution, edge_distribution.files
        if edge.domain and zone:
            self._define_record(edge.domain, zone)
        address = edge.domain.name if edge.domain else self.distribution.distribution_domain_name
        if self.site and self.files:
            self.output("SiteBucketName", self.site.bucket_name, "Where the frontend is published")
            self.output(names.FILES_OUTPUT, self.files.key_value_store_arn, "The list of the frontend's files")
        self.output("DistributionId", self.distribution.distribution_id, "What to invalidate")
        self.output("DistributionDomainName", self.distribution.distribution_domain_name, "CloudFront's own name")
        self.output("Url", f"https://{address}", "What users type")

    def _sites(self, product: Product) -> list[Site]:
        """Returns the frontends. The ids of the one at `/` do not depend on its name, so it may get one later."""
        return [
            Site(
                self.site,
                tuple(sorted(site_files.ENDINGS.union(frontend.file_endings))),
                frontend.pages == "folders",
                site_files.RESERVED,
                frontend.path,
                "" if frontend.path == "/" else names.pascal(name or "site"),
            )
            for name, frontend in product.sites().items()
            if self.site
        ]

    def _define_site(self, environment_scope: EnvironmentScope, data: DataStack) -> PrivateBucket:
        # Any release can publish the site again, so the bucket is deleted with its stack unless data is kept.
        return PrivateBucket(self, "Site", keep=environment_scope.environment.keep_data, access_logs=data.access_logs)

    def _define_web_acl(self, environment_scope: EnvironmentScope) -> WebAcl:
        return WebAcl(
            self,
            "WebAcl",
            log_name=environment_scope.prefix,
            log_retention=environment_scope.log_retention,
            requests_per_5_minutes=environment_scope.environment.edge.waf_requests_per_5_minutes,
            counted={rule: waf_rules.RULES[rule] for rule in environment_scope.environment.edge.waf_count},
        )

    def _define_record(self, domain: Domain, zone: route53.IHostedZone) -> None:
        target = route53.RecordTarget.from_alias(targets.CloudFrontTarget(self.distribution))
        name = f"{domain.name}."  # the final dot makes the name absolute, so that the zone's name is not appended
        route53.ARecord(self, "Ipv4", zone=zone, record_name=name, target=target)
        route53.AaaaRecord(self, "Ipv6", zone=zone, record_name=name, target=target)


def _routes(product: Product, sites: Mapping[str, Site], dynamic: Sequence[Route]) -> list[Route]:
    """Returns the routes to the load balancer and to frontends at other paths than `/`, the most specific first."""
    found = [*dynamic]
    for frontend in product.sites().values():
        found += [Route(path, cached=True, site=sites[frontend.path]) for path in site_checks.patterns(frontend)]
    return sorted(found, key=lambda route: specificity(route.pattern))


def _address(scope: Construct, domain: Domain, zone: route53.IHostedZone | None) -> Address:
    return Address(domain.name, certificates.of_cloudfront(scope, domain, zone))


def _content_security_policy(edge: Edge, *, pages: bool) -> str | None:
    """Returns the policy of responses that have none of their own, or None."""
    if edge.content_security_policy is None:
        return _PAGES_POLICY if pages else None
    return edge.content_security_policy or None
